import { certificateOf } from './certificates.js';
import type { DevConfig } from './config.js';
import { DevError } from './dev-error.js';
import type { Addresses } from './protocol.js';

/**
 * Loads the demo products and their stock.
 * @throws DevError
 */
export async function loadDemoData(
  addresses: Addresses,
  { tlsDir }: Pick<DevConfig, 'tlsDir'>,
  onProgress: (message: string) => void,
): Promise<void> {
  // Loaded late: it brings all of gRPC, which neither `--stop` nor the way to here needs.
  const { seedDemo } = await import('../seed/app.js');
  try {
    const tls = tlsDir === undefined ? undefined : certificateOf('test-client', tlsDir);
    await seedDemo({ ...addresses, tls }, onProgress);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DevError(`the demo data could not be loaded: ${why}`, { cause: error });
  }
}
