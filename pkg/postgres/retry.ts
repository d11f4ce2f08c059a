import { backoffMs, pause } from '../runtime/index.js';
import { errorCode, isConflict } from './errors.js';

const retries = 3;
const backoff = { baseMs: 10, capMs: 100 };

/**
 * Runs `attempt` and repeats it up to 3 times after a deadlock, a serialization failure or a lock timeout. The waits are
 * random, so that the conflicting transactions do not conflict again.
 *
 * @throws the error of the last attempt
 */
export async function retryConflicts<T>(
  attempt: () => Promise<T>,
  onRetry: (fields: { attempt: number; code: string | undefined }) => void,
): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error) || attempts > retries) throw error;
      onRetry({ attempt: attempts, code: errorCode(error) });
    }
    await pause(backoffMs(attempts, backoff));
  }
}
