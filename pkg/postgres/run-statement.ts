import type pg from 'pg';
import type { Statement } from './statement.js';

/** Runs a named prepared statement on one connection. */
export async function runStatement<Row>(
  client: pg.ClientBase,
  statement: Statement,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const { rows } = await client.query<pg.QueryResultRow>({
    name: statement.name,
    text: statement.text,
    values: [...values],
  });
  return rows as Row[];
}
