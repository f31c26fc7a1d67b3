import { answerMsMax } from "@halles/search/contract/SearchClient"
import * as Messages from "@halles/search/contract/SearchMessages"
import { valuesMax, valuesOfProductMax } from "@halles/search/index/FacetValues"
import { rangesMax } from "@halles/search/index/Highlight"
import { wordsOfFieldMax } from "@halles/search/index/InvertedIndex"
import { wordsMax } from "@halles/search/index/QueryPlan"
import { ordersMax } from "@halles/search/process/Recommending"
import { basketItemsMax } from "@halles/search/recommend/Lessons"
import { count, time } from "./Figures.ts"

export const searchLimits = `
## Search

| what | bound | at the bound |
| --- | --- | --- |
| a query | ${count(Messages.queryLengthMax)} characters, of which ${count(wordsMax)} words count | 400; the other words are not looked for |
| filters of a query; values of one | ${count(Messages.filtersMax)}; ${count(Messages.valuesOfFilterMax)} | 400 |
| facets of a query; values of one | ${count(Messages.facetsMax)}; ${count(valuesMax)} | 400; the most frequent ones are told |
| hits of a page; where the last page begins | ${count(Messages.hitsMax)}; behind ${count(Messages.offsetMax)} hits | 400; \`next\` is \`null\` |
| articles that recommendations are for; orders they are made of | ${count(Messages.forMax)}; the newest ${count(ordersMax)} | 400; older ones say nothing |
| items of an order that recommendations are made of | ${count(basketItemsMax)} | the others say nothing |
| an answer of the processes that search | ${time(answerMsMax)} | 503 |
| words of one text of a product; values of its facets | ${count(wordsOfFieldMax)}; ${count(valuesOfProductMax)} | what stands behind them is shown, but neither found nor counted |
| places that are highlighted in a text | ${count(rangesMax)} | those behind them are not |
`
