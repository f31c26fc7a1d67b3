import type { Region } from "@halles/shared/Region"

/** One row of an import: a SKU, its price, and its stock in one warehouse. */
export interface Row {
  readonly region: Region
  readonly sku: string
  readonly title: string
  readonly description: string
  readonly price: { readonly amount: string; readonly currency: string }
  /** Basis points: 2000 is 20 %. */
  readonly taxRate: number
  readonly warehouse: string
  readonly stock: number
}

const row = (
  [region, sku, title, description]: readonly [Region, string, string, string],
  [amount, currency, taxRate]: readonly [string, string, number],
  ...warehouses: ReadonlyArray<readonly [string, number]>
): ReadonlyArray<Row> =>
  warehouses.map(([warehouse, stock]) => ({
    region,
    sku,
    title,
    description,
    price: { amount, currency },
    taxRate,
    warehouse,
    stock
  }))

/** What a new cluster sells: a small market hall in each region. Changing it needs a new import id, or nothing is written. */
export const demoCatalogue: ReadonlyArray<Row> = [
  row(
    ["eu", "TEA-01", "Breakfast tea, 250 g", "Loose black tea, strong enough for milk."],
    ["495", "GBP", 2000],
    ["eu-main", 400],
    ["eu-north", 100]
  ),
  row(
    ["eu", "CHEESE-01", "Comté, 18 months, 400 g", "A mountain cheese, cut from the wheel."],
    ["1290", "EUR", 550],
    ["eu-main", 120]
  ),
  row(
    ["eu", "BREAD-01", "Sourdough loaf, 1 kg", "Wheat and rye, baked this morning."],
    ["620", "EUR", 550],
    ["eu-main", 80]
  ),
  row(["eu", "HONEY-01", "Heather honey, 340 g", "Late summer, from the moor."], ["850", "GBP", 0], ["eu-north", 60]),
  row(
    ["am", "COFFEE-01", "Coffee beans, 12 oz", "Washed, medium roast."],
    ["1650", "USD", 725],
    ["am-east", 300],
    ["am-west", 200]
  ),
  row(
    ["am", "SYRUP-01", "Maple syrup, 8 fl oz", "Amber, one farm, one season."],
    ["1425", "USD", 725],
    ["am-east", 90]
  ),
  row(["am", "PECAN-01", "Pecans, 1 lb", "Halves, this year's harvest."], ["1199", "USD", 725], ["am-west", 150]),
  row(
    ["am", "HOTSAUCE-01", "Smoked pepper sauce, 5 fl oz", "Three peppers, oak smoke, vinegar."],
    ["899", "USD", 725],
    ["am-west", 75]
  ),
  row(["ap", "MATCHA-01", "Matcha, 30 g", "Stone-ground, first harvest."], ["2400", "JPY", 800], ["ap-tokyo", 200]),
  row(["ap", "MISO-01", "Red miso, 500 g", "Two years in cedar."], ["1180", "JPY", 800], ["ap-tokyo", 140]),
  row(
    ["ap", "MACADAMIA-01", "Macadamias, 400 g", "Roasted, lightly salted."],
    ["1850", "AUD", 1000],
    ["ap-sydney", 160]
  ),
  row(["ap", "LAMINGTON-01", "Lamingtons, six", "Sponge, chocolate, coconut."], ["990", "AUD", 1000], ["ap-sydney", 40])
].flat()
