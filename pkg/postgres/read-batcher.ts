import type { Batching } from '../runtime/index.js';
import { Batcher, done } from './batcher.js';

export interface ReadBatcherOptions<Row> {
  /** Label of the metrics, in the form `<store>.<verb>`. */
  readonly operation: string;
  /**
   * Reads the rows of several keys by one statement. `deadline` is the latest deadline of the reads, for
   * `Database.within`.
   */
  readonly read: (
    keys: readonly string[],
    limits: { readonly deadline: number },
  ) => Promise<ReadonlyMap<string, Row>>;
  /** Maximum number of statements in flight. */
  readonly concurrency: number;
  readonly batching: Batching;
}

/**
 * Turns concurrent reads by key into statements. A read never joins a statement that has been sent, so it sees every
 * change that was committed before the call.
 */
export function readBatcher<Row>(options: ReadBatcherOptions<Row>): Batcher<string, Row | undefined> {
  const { operation, read, concurrency, batching } = options;
  return new Batcher<string, Row | undefined>({
    operation,
    concurrency,
    batching,
    keyOf: (key) => key,
    sameBody: () => true,
    execute: async (keys, { deadline }) => {
      const rows = await read(keys, { deadline });
      return keys.map((key) => done(rows.get(key)));
    },
  });
}
