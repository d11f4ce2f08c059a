import { createDatabaseIfMissing, migrate } from '../../pkg/postgres/index.js';
import type { KeptCluster } from './cluster.js';
import { migrationsOf, services } from './services.js';

/** Gives each service a database at its schema, and says what was applied. */
export async function prepareDatabases(
  cluster: KeptCluster,
  onProgress: (message: string) => void,
): Promise<void> {
  await Promise.all(
    services.map(async (service) => {
      const url = cluster.url(service.database);
      await createDatabaseIfMissing(url);
      const applied = await migrate(url, migrationsOf(service));
      if (applied.length > 0) onProgress(`database ${service.database}: applied ${applied.join(', ')}`);
    }),
  );
}
