import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Which histories leave the archive together, and when: only the domains know.
 *
 * Whole histories only: a part of one would be a wrong state. An order goes together with its cart, payment and shipment,
 * which have its id; a cart goes alone only when nothing else tells of it: no order, no merge. Nobody can ask for what is
 * younger than 90 days.
 *
 * A cart may be checked out again when an order of it failed: it has orders `eu_x`, `eu_x-2`, … (`orderIdOf`), and is kept
 * until the last of them goes.
 */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // Where the histories of an order are due, but those of a later checkout of its cart are not, all of them wait. Checkouts
  // follow each other without gaps, so the ids of a cart's orders are looked up one after the other.
  yield* sql`
    CREATE FUNCTION cart_orders(cart_id text) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $fn$
    DECLARE
      ids text[] := ARRAY[cart_id];
    BEGIN
      WHILE EXISTS (
        SELECT FROM journal_all j
        WHERE j.entity_type = 'Order' AND j.entity_id = cart_id || '-' || cardinality(ids) + 1 AND j.seq = 1)
      LOOP
        ids := ids || (cart_id || '-' || cardinality(ids) + 1);
      END LOOP;
      RETURN ids;
    END $fn$`
  yield* sql`
    CREATE FUNCTION archive_drop(of_type text, idle_before timestamptz, entities_max integer)
    RETURNS TABLE (entities bigint, dropped bigint)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $fn$
    DECLARE
      together text[];
      picked text[];
    BEGIN
      idle_before := least(idle_before, now() - interval '90 days');
      together := CASE of_type WHEN 'Cart' THEN '{Cart}' WHEN 'Order' THEN '{Order,Cart,Payment,Shipment}' END;
      IF together IS NULL THEN RAISE 'histories of this type are kept'; END IF;
      SELECT array_agg(p.entity_id) INTO picked
        FROM (
          SELECT a.entity_id FROM events_archive a
          WHERE a.entity_type = of_type AND a.seq = 1 AND a.at < idle_before
            -- Of orders the first of a cart stands for all of them; it has the cart's id.
            AND (of_type <> 'Order' OR coalesce(a.events->0->'draft'->>'attempt', '1') = '1')
            AND NOT EXISTS (
              SELECT FROM unnest(CASE of_type WHEN 'Order' THEN cart_orders(a.entity_id) ELSE ARRAY[a.entity_id] END) i(id)
              WHERE EXISTS (
                  SELECT FROM events_archive n
                  WHERE n.entity_type = ANY(together) AND n.entity_id = i.id AND n.at >= idle_before)
                OR EXISTS (
                  SELECT FROM journal n WHERE n.entity_type = ANY(together) AND n.entity_id = i.id))
            AND (of_type <> 'Cart' OR NOT EXISTS (
                SELECT FROM journal_all o WHERE o.entity_type = 'Order' AND o.entity_id = a.entity_id)
              AND NOT EXISTS (
                SELECT FROM events_archive m
                WHERE m.entity_type = 'Cart' AND m.entity_id = a.entity_id
                  AND jsonb_path_exists(m.events, '$[*] ? (@._tag == "HandedOver" || @._tag == "LinesAbsorbed")')))
          LIMIT entities_max
        ) p;
      IF of_type = 'Order' THEN
        SELECT array_agg(id) INTO picked FROM unnest(picked) p(cart_id), unnest(cart_orders(p.cart_id)) i(id);
      END IF;
      DELETE FROM snapshot s WHERE s.entity_type = ANY(together) AND s.entity_id = ANY(picked);
      DELETE FROM archived_entity a WHERE a.entity_type = ANY(together) AND a.entity_id = ANY(picked);
      DELETE FROM order_view v WHERE of_type = 'Order' AND v.id = ANY(picked);
      DELETE FROM events_archive a WHERE a.entity_type = ANY(together) AND a.entity_id = ANY(picked);
      GET DIAGNOSTICS dropped = ROW_COUNT;
      entities := coalesce(cardinality(picked), 0);
      RETURN NEXT;
    END $fn$`
})
