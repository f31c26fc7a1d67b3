/** What people call them; the colour is that of their lines. */
export const regionLooks: Readonly<Record<string, { readonly name: string; readonly colour: string }>> = {
  eu: { name: "Europe", colour: "r1" },
  am: { name: "Americas", colour: "r2" },
  ap: { name: "Asia-Pacific", colour: "r3" }
}

export const regionName = (region: string): string => regionLooks[region]?.name ?? region
export const regionColour = (region: string): string => regionLooks[region]?.colour ?? "r1"
