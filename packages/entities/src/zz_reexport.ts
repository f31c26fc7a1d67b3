export * as Projections from "./Projections.ts"
