import { certificateOf } from './certificates.js';
import type { DevConfig } from '../config.js';
import { DevError } from '../errors.js';
import type { Addresses } from '../supervisor/protocol.js';

/**
 * Loads the demo products and their stock.
 * @throws DevError
 */
export async function loadDemoData(
  addresses: Addresses,
  { tlsDir }: Pick<DevConfig, 'tlsDir'>,
  onProgress: (message: string) => void,
): Promise<void> {
  // The import is dynamic because it loads gRPC, which the other parts of `dev` do not use.
  const { seedDemo } = await import('../../seed/app.js');
  try {
    const tls = tlsDir === undefined ? undefined : certificateOf('test-client', tlsDir);
    await seedDemo({ ...addresses, tls }, onProgress);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new DevError(`the demo data could not be loaded: ${message}`, { cause: error });
  }
}
