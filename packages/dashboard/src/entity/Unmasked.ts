/** What a question carries so that its answer shows personal data: nothing, or that it is wanted and why. */
export type Unmasked = { readonly unmask: "true"; readonly reason: string } | { readonly unmask?: never }
