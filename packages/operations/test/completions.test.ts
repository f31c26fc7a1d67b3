import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../src/halles.ts", import.meta.url))

/** As a shell does when Tab is pressed after these words; the script is what the program itself prints. */
const press = `
eval "$(cat)"
complete=$(complete -p halles); complete=\${complete##*-F }; complete=\${complete%% *}
while read -r line; do
  COMP_LINE="$line"; COMP_POINT=\${#line}; COMP_WORDS=($line)
  [[ "$line" == *" _" ]] && COMP_WORDS[-1]="" && COMP_LINE="\${line%_}"
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMPREPLY=()
  "$complete" halles
  echo "\${COMPREPLY[*]}"
done < <(printf '%s\\n' "$@")
`

describe("completions", () => {
  it("of bash, as printed, complete commands, their subcommands and options", () => {
    const script = execFileSync(process.execPath, [program, "--completions", "bash"], { encoding: "utf8" })
    const typed = ["halles sha", "halles saga com", "halles saga _", "halles drain --rea"]
    const [shards, compensate, saga, reason] = execFileSync("bash", ["-c", press, "bash", ...typed], {
      input: script,
      encoding: "utf8"
    }).split("\n")
    assert.strictEqual(shards?.trim(), "shards")
    assert.strictEqual(compensate?.trim(), "compensate")
    for (const one of ["list", "show", "retry", "compensate", "skip"]) assert.include((saga ?? "").split(/\s+/), one)
    assert.strictEqual(reason?.trim(), "--reason")
  })
})
