import { daysMax } from "@halles/entities/searchrule/SearchCounts"
import { answerMsMax } from "@halles/search/contract/SearchClient"
import * as Messages from "@halles/search/contract/SearchMessages"
import { valuesBytesMax, valuesMax, valuesOfProductMax } from "@halles/search/index/FacetValues"
import { rangesMax } from "@halles/search/index/Highlight"
import { wordsOfFieldMax } from "@halles/search/index/InvertedIndex"
import { wordsMax } from "@halles/search/index/QueryPlan"
import { payloadBytesMax } from "@halles/search/process/Answering"
import { patienceMs } from "@halles/search/process/Gaps"
import { askedMin, countedMax } from "@halles/search/process/QueryCounts"
import { ordersMax } from "@halles/search/process/Recommending"
import { seenMax } from "@halles/search/recommend/Candidates"
import { boostedOfQueryMax, phrasesMax } from "@halles/search/rules/RuleBook"
import { basketItemsMax } from "@halles/search/recommend/Lessons"
import { bytes, count, time } from "./Figures.ts"

export const searchLimits = `## Search

| what | bound | at the bound |
| --- | --- | --- |
| text of a query; words of it | ${count(Messages.queryLengthMax)} characters; ${count(wordsMax)} | the edge answers 400; the search process looks for the first ${count(wordsMax)} |
| filters of a query beside its channel; values of one filter | ${count(Messages.filtersMax - 1)}; ${count(Messages.valuesOfFilterMax)} | the edge answers 400 |
| facets that a query asks for; values of one facet in the answer | ${count(Messages.facetsMax)}; ${count(valuesMax)} | the edge answers 400; the search process names the values that most products have |
| bytes of the values of all facets in one answer | ${bytes(valuesBytesMax)} | the search process leaves out the least frequent values of each facet; \`more\` says how many |
| synonyms that are looked for in one query | ${count(phrasesMax)} phrases | the search process leaves out the others |
| products that search rules move up or down in one query | ${count(boostedOfQueryMax)} | the search process leaves out the rules that come last by code |
| hits of a page; hits before a page | ${count(Messages.hitsMax)}; ${count(Messages.offsetMax)} | the edge answers 400; \`next\` is \`null\` |
| an answer of a search process: bytes; time | what NATS takes in a message, ${bytes(payloadBytesMax)} by default; ${time(answerMsMax)} | the search process sends fewer products, and \`next\` goes on behind them; the edge answers 503 |
| articles that recommendations are asked for | ${count(Messages.forMax)} | the edge answers 400 |
| articles somebody has seen that say what to recommend | the last ${count(seenMax)} | the search process leaves out the others |
| queries of a day that one search process counts | ${count(countedMax)} | the search process begins anew with those that were asked least |
| a query that is kept for reports; for how long | asked ${count(askedMin)} times on a day; ${count(daysMax)} days | dropped when the day ends; removed |
| a row that the read table lacks holds up \`asOf\` and the snapshot | ${time(patienceMs)} | the search process logs it once, goes on with what it knew, and asks for the row each minute |
| orders that recommendations are made of; items of one of them | the newest ${count(ordersMax)}; ${count(basketItemsMax)} | the search process leaves out the others |
| words of one field of a product; values of all its facets | ${count(wordsOfFieldMax)}; ${count(valuesOfProductMax)} | the answer shows the others, but the search process neither finds the product by them nor counts them |
| places that are highlighted in one text | ${count(rangesMax)} | the search process leaves out the others |
`
