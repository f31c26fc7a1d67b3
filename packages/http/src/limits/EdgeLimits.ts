import * as AuditLog from "@halles/shared/audit/AuditLog"
import { statementMax } from "@halles/shared/audit/AuditEntry"
import * as BreakerNews from "@halles/shared/clients/BreakerNews"
import { depthMax } from "@halles/shared/JsonText"
import * as Listener from "@halles/shared/listener/HttpListener"
import { headersMax, targetBytesMax } from "@halles/shared/listener/RequestForm"
import * as Revocations from "@halles/shared/security/Revocations"
import * as ServiceToken from "@halles/shared/security/ServiceToken"
import * as AccessTokens from "../access/AccessTokens.ts"
import { cachedMs, keysMax } from "../access/PartnerKeys.ts"
import { clientsMax } from "../admission/EdgeAnalytics.ts"
import * as AdmissionControl from "../admission/AdmissionControl.ts"
import * as InjectedFaults from "../admission/InjectedFaults.ts"
import * as RateLimit from "../admission/RateLimit.ts"
import * as RetryBudget from "../admission/RetryBudget.ts"
import { inFlightMax, thresholds } from "../admission/Shedding.ts"
import * as ResponseCache from "../cache/ResponseCache.ts"
import * as Idempotency from "../idempotency/IdempotencyLive.ts"
import { budgets, ofAnonymous } from "../idempotency/ReplyBudget.ts"
import { replayMax } from "../operator/OperatorJson.ts"
import * as OperatorSessions from "../operator/OperatorSessions.ts"
import * as DeadLetters from "../operator/views/DeadLetters.ts"
import * as Live from "../operator/views/Live.ts"
import * as Availability from "@halles/entities/inventory/Availability"
import { itemsMax } from "../bulk/BulkApi.ts"
import { filesMax, rowsMax } from "@halles/entities/exchange/CatalogImport"
import * as Consistency from "@halles/shared/wire/Consistency"
import { rowBytesMax } from "@halles/entities/exchange/ImportRows"
import { bytesMax } from "@halles/entities/exchange/Spool"
import * as Workbook from "@halles/entities/exchange/Workbook"
import { pendingMax } from "../webhooks/Collector.ts"
import * as Sender from "../webhooks/Sender.ts"
import { endpointsMax } from "../webhooks/Subscriptions.ts"
import { bytes, count, percent, time } from "./Figures.ts"

const { bounds } = Listener
const [anonymous, anonymousKib] = budgets.anonymous
const [program, programKib] = budgets.program
const [all, allKib] = ofAnonymous
const kept = (answers: { capacity: number }, kib: { capacity: number }): string =>
  `${count(answers.capacity)} and ${bytes(kib.capacity * 1024)}`

export const edgeLimits = `## Requests

| what | bound | at the bound |
| --- | --- | --- |
| connections of a listener; of one address | edge ${count(AdmissionControl.bounds.connections)} and ${count(AdmissionControl.bounds.connectionsOfOne)}, others ${count(bounds.connections)} and ${count(bounds.connectionsOfOne)} | closed at once |
| requests of one connection under way | ${count(bounds.requestsOfOne)} | 503; of HTTP/2 refused |
| a request's head | ${time(bounds.headersMs)}, ${bytes(bounds.headBytes)}, ${count(headersMax)} headers, ${bytes(targetBytesMax)} of path and query | 408, 431, 414 |
| a request as a whole; a connection without one | ${time(bounds.requestMs)} (edge: ${time(AdmissionControl.bounds.requestMs)}, for imports); ${time(bounds.idleMs)} | 408; closed |
| a request's body; an answer without progress | ${time(bounds.bodyMs)}, but imports; ${time(bounds.stalledMs)} | the connection ends |
| JSON in a body | ${count(depthMax)} levels | 400 |
| items of a bulk request | ${count(itemsMax)} | 400 |
| an import: rows; a row; a CSV file; such files on the disk of an edge | ${count(rowsMax)}; ${bytes(rowBytesMax)}; ${bytes(bytesMax)}; ${count(filesMax)} | \`too_many_rows\`; \`row_too_large\`; \`file_too_large\`; the next one waits |
| a workbook: bytes; unpacked; rows of one that is exported; memory of the thread that reads or writes it | ${bytes(Workbook.packedMax)}; ${bytes(Workbook.unpackedMax)}; ${count(Workbook.rowsMax)}; ${bytes(Workbook.heapMax * 1_024 * 1_024)} | \`file_too_large\`; 400, another format is named |
| requests under way at an edge | ${count(inFlightMax)}; imports ${percent(thresholds.bulk.share)}, browsing ${percent(thresholds.browse.share)}, carts ${percent(thresholds.cart.share)} of it | 503, Retry-After |
| rate-limit questions that wait | ${count(RateLimit.waitingMax)}; ${count(RateLimit.batchMax)} a call, ${count(RateLimit.callsMax)} calls, ${time(RateLimit.answerMsMax)} | this process's own buckets |
| buckets of an edge's own | ${count(RateLimit.localMax)} | the least used is forgotten, that is full |
| retries of entity calls | ${percent(RetryBudget.earned)} of the calls, and ${count(RetryBudget.savedMax)} saved | the first failure is the answer |
| response cache | ${count(ResponseCache.answersMax)} and ${bytes(ResponseCache.bytesMax)}; ${bytes(ResponseCache.bodyMax)} each | the least used goes; larger ones are made each time |
| answers kept for repeats | ${time(Idempotency.keptMs)}, ${bytes(Idempotency.bodyMax)} each, what Redis has room for | the entity is asked again |
| answers kept for one sender, a day | ${kept(anonymous, anonymousKib)}; a program ${kept(program, programKib)}; all without a name ${kept(all, allKib)} | not kept |
| entities of a consistency token | ${count(Consistency.seenMax)} | the oldest are left out |
| a list's wait for a consistency token | ${time(Consistency.waitMsMax)} | what is missing is asked of the entities |
| asking the read table for the stock beside a cart | ${time(Availability.answerMsMax)}; ${count(Availability.skusMax)} SKUs are known for ${time(Availability.knownMs)} | shown without; the least used is asked for again |
| injected faults | ${count(InjectedFaults.activeMax)}, ${time(InjectedFaults.secondsMax * 1_000)}, ${time(InjectedFaults.latencyMsMax)} of delay | the fault that ends first is ended to make room |
| clients counted by analytics | ${count(clientsMax)} | the least frequent is replaced |

## Credentials and the audit log

| what | bound | at the bound |
| --- | --- | --- |
| access tokens known by digest | ${count(AccessTokens.knownMax)} | checked again, a tenth of a millisecond |
| asking the issuer for keys | once in ${time(AccessTokens.askAgainMs)} | unknown keys are refused |
| revoked sessions and grants | ${time(Revocations.keptMs)}, ${count(Revocations.revokedMax)} | their tokens have expired; the oldest fall off |
| a partner's keys | ${count(keysMax)}; looked up again after ${time(cachedMs)} | 422 |
| a token of our own tools | ${time(ServiceToken.lifetimeMs)}, made anew with less than ${time(ServiceToken.leftMinMs)} left | 401 |
| acts that wait for the audit log | ${count(AuditLog.waitingMax)} a process, ${time(AuditLog.waitMsMax)} | refused with 503; denied attempts are counted |
| kinds of denied attempts that have an audit row of their own | ${count(AuditLog.alikeMax)} in ${time(AuditLog.windowMs)} a process | the process writes the rest as one row with their number |
| a statement of \`halles sql\` | ${count(statementMax)} characters as JSON | refused |

## Webhooks

| what | bound | at the bound |
| --- | --- | --- |
| endpoints of one owner | ${count(endpointsMax)} | 422 |
| webhooks on their way | ${count(Sender.sendsMax)}, ${count(Sender.sendsOfOneMax)} to one endpoint | wait |
| tries of a webhook | ${count(Sender.delays.length)} more after the first, over three days | dead; sent again when asked for |
| an endpoint that takes nothing | ${time(Sender.failingMsMax)}, or ${count(pendingMax)} messages | the endpoint is disabled, and the owner's other endpoints get \`endpoint.disabled\` |
| deliveries | delivered ${count(Sender.deliveredDays)} days, dead ${count(Sender.deadDays)} | deleted |

## The operator process

| what | bound | at the bound |
| --- | --- | --- |
| watchers at a time | ${count(Live.watchersMax)}; ${count(Live.framesMax)} frames wait for each, ${count(Live.keptMax)} are kept; ${time(Live.longestMs)} | 503; cut off with \`bye\`; everything is sent; connects again |
| events of a live tail | ${count(Live.tailMaxPerFrame)}, or ${bytes(Live.tailBytesMax)}, in ${time(Live.tailEveryMs)} | counted and left out |
| sessions of operators | ${count(OperatorSessions.sessionsMax)}; ${time(OperatorSessions.sessionMs)}, ${time(OperatorSessions.idleMs)} without use | the least used signs in again |
| dead letters of streams; sent again at once | ${count(DeadLetters.lettersMax)}, ${time(DeadLetters.keptMs)}; ${count(replayMax)} | the oldest go; asked for again |
| circuit breakers that a process publishes; for how long that counts | ${count(BreakerNews.dependenciesMax)}; ${time(BreakerNews.staleMs)}, and ${time(BreakerNews.unwantedMs)} after somebody wanted the dependency | the rest is not told; no alarm any more |
`
