import type { Batch } from '../batch-queue.js';

/** A batch that a test ends. */
export interface HeldBatch extends Batch<number, string> {
  end(error?: Error): void;
}

/** Returns a batch that is in flight until the test calls `end`, for a processor that returns `ended`. */
export function holdBatch(batch: Batch<unknown, string>, items: readonly number[] = batch.items as number[]) {
  let end: (error?: Error) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error ? reject(error) : resolve());
  });
  const held: HeldBatch = {
    items,
    deadline: batch.deadline,
    resolve: (index, result) => batch.resolve(index, result),
    reject: (index, error) => batch.reject(index, error),
    defer: (index) => batch.defer(index),
    end: (error) => end(error),
  };
  return { batch: held, ended };
}
