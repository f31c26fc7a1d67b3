import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { hiddenForms, hiddenText, visibleMembers, visibleWords } from "./Masked.ts"

const list = (names: ReadonlyArray<string>) => names.map((name) => `'${name}'`).join(", ")
const forms = Object.entries(hiddenForms)
  .map(([member, form]) => `WHEN member = '${member}' THEN to_jsonb('${form}'::text)`)
  .join(" ")
const impersonal = (column: string) => `masked.impersonal(${column}, '', ARRAY[${list(visibleMembers)}], 0)`
/** Levels of JSON that are shown; what is deeper is hidden, however deep it is: a row that cannot be shown would hide all others. */
export const levelsMax = 64

/** Columns of text that say nothing of a person. */
const visibleTexts = new Set(["entity_type", "entity_id", "command_id", "commands"])
/** A column as it is shown: numbers and times, names and ids; of the rest what says nothing of anybody. */
const visibleColumn = ({ name, type }: { readonly name: string; readonly type: string }): string => {
  if (type === "jsonb") return `${impersonal(name)} AS ${name}`
  return /^(text|varchar|character|json|xml|bytea)/.test(type) && !visibleTexts.has(name)
    ? `'${hiddenText}'::text AS ${name}`
    : name
}

/**
 * What a person at a keyboard reads of a region: histories and snapshots under their own names, in a schema that stands first in the
 * search path of `halles_reader`, with everything hidden that may be about somebody. That login has no right to the tables. Made anew at
 * each provisioning, since what is shown is code.
 */
export const makeMaskedViews = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE SCHEMA IF NOT EXISTS masked`
  yield* sql.unsafe(`
    CREATE OR REPLACE FUNCTION masked.impersonal(value jsonb, member text, shown text[], level integer) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $fn$
    BEGIN
      IF level > ${levelsMax} THEN RETURN to_jsonb('${hiddenText}'::text); END IF;
      CASE jsonb_typeof(value)
        WHEN 'object' THEN RETURN (
          SELECT coalesce(jsonb_object_agg(m.key, masked.impersonal(m.value, m.key, shown, level + 1)), '{}') FROM jsonb_each(value) m);
        WHEN 'array' THEN RETURN (
          SELECT coalesce(jsonb_agg(masked.impersonal(e.value, member, shown, level + 1) ORDER BY e.n), '[]')
          FROM jsonb_array_elements(value) WITH ORDINALITY AS e(value, n));
        WHEN 'string' THEN RETURN CASE
          WHEN member = ANY(shown) OR value #>> '{}' IN (${list(visibleWords)}) THEN value
          ${forms} ELSE to_jsonb('${hiddenText}'::text) END;
        WHEN 'number' THEN RETURN CASE WHEN member = ANY(shown) THEN value ELSE '0' END;
        WHEN 'boolean' THEN RETURN CASE WHEN member = ANY(shown) THEN value ELSE 'false' END;
        ELSE RETURN value;
      END CASE;
    END $fn$`)
  for (const table of ["journal", "journal_all", "snapshot"]) {
    const columns = yield* sql<{ name: string; type: string }>`
      SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
      WHERE attrelid = ${`public.${table}`}::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`
    yield* sql.unsafe(`DROP VIEW IF EXISTS masked.${table}`)
    yield* sql.unsafe(
      `CREATE VIEW masked.${table} AS SELECT ${columns.map(visibleColumn).join(", ")} FROM public.${table}`
    )
  }
  yield* sql`DROP FUNCTION IF EXISTS masked.impersonal(jsonb, text, text[])`
  yield* sql`
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_reader') THEN
        REVOKE ALL ON public.journal, public.journal_all, public.events_archive, public.snapshot FROM halles_reader;
        GRANT USAGE ON SCHEMA masked TO halles_reader;
        GRANT EXECUTE ON FUNCTION masked.impersonal TO halles_reader;
        GRANT SELECT ON masked.journal, masked.journal_all, masked.snapshot TO halles_reader;
      END IF;
    END $$`
})
