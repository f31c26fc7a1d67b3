import type * as Json from "@halles/http/operator/OperatorJson"
import { Answer, useQuery } from "../Query.tsx"
import { tagsOf } from "../EventTags.ts"
import { duration } from "../Format.ts"
import { ask } from "../Ops.ts"
import { Empty } from "../parts/Notes.tsx"
import { entityLink } from "../Router.ts"
import type { Unmasked } from "./Unmasked.ts"

type Node = (typeof Json.Trace.Type)["items"][number]

/** Rows that are shown; an action that caused more is read with `halles trace`. */
const rowsMax = 200

interface Branch {
  readonly node: Node
  readonly children: Array<Branch>
}

const grow = (items: ReadonlyArray<Node>): ReadonlyArray<Branch> => {
  const branches = items.map((node): Branch => ({ node, children: [] }))
  const roots: Array<Branch> = []
  for (const branch of branches) {
    const parent = branch.node.parent === null ? undefined : branches[branch.node.parent]
    ;(parent === undefined || parent === branch ? roots : parent.children).push(branch)
  }
  return roots
}

const Branches = ({ branches, since }: { readonly branches: ReadonlyArray<Branch>; readonly since: number }) => (
  <ul>
    {branches.map(({ children, node: { row } }) => (
      <li key={`${row.entity}#${row.seq}`}>
        <span class="leaf">
          <span>
            <a href={entityLink(row.entity, { at: row.seq })}>{`${row.entity} #${row.seq}`}</a> {tagsOf(row.events)}
          </span>
          <span class="soft num">{`+ ${duration(row.at - since)}`}</span>
        </span>
        {children.length === 0 ? null : <Branches branches={children} since={since} />}
      </li>
    ))}
  </ul>
)

/** What one action of a customer caused, across entities. */
export const TraceCard = ({
  id,
  unmask,
  version
}: {
  readonly id: string
  readonly unmask: Unmasked
  readonly version: number
}) => {
  const result = useQuery(
    () => ask((ops) => ops.entities.trace({ params: { id }, query: unmask })),
    [id, unmask, version]
  )
  return (
    <section class="card">
      <h2>What caused what</h2>
      <Answer result={result}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing is known of its cause." />
          ) : (
            <div class="tree" role="region" aria-label="Causation tree" tabIndex={0}>
              <Branches branches={grow(items.slice(0, rowsMax))} since={items[0]!.row.at} />
              {items.length > rowsMax ? <p class="soft">{`and more: npx halles trace ${id}`}</p> : null}
            </div>
          )
        }
      </Answer>
    </section>
  )
}
