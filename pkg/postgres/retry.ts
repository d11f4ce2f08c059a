import { backoffMs, pause } from '../runtime/wait.js';
import { errorCode, isConflict } from './errors.js';

const retries = 3;
const backoff = { baseMs: 10, capMs: 100 };

/**
 * Runs `attempt`, again up to 3 times when the server rolled it back because of a deadlock or a
 * serialization failure, waiting at random in between so that the rivals do not meet again.
 *
 * @throws whatever the last attempt threw
 */
export async function retryConflicts<T>(
  attempt: () => Promise<T>,
  onRetry: (fields: { attempt: number; code: string | undefined }) => void,
): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error) || tried > retries) throw error;
      onRetry({ attempt: tried, code: errorCode(error) });
    }
    await pause(backoffMs(tried, backoff));
  }
}
