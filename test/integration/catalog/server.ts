import { catalogService } from '../../../cmd/catalog-service/app.js';
import { catalogMigrations } from '../../../pkg/catalog/migrations.js';
import { CatalogServiceService } from '../../../pkg/pb/catalog/v1/catalog.js';
import { sql, type Database } from '../../../pkg/postgres/index.js';
import { createTestDatabase } from '../../support/postgres/test-database.js';
import type { RpcClient } from '../../../pkg/rpc/index.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import { Scope } from '../../../pkg/runtime/index.js';
import { testSettings } from '../../support/test-settings.js';

export type CatalogClient = RpcClient<typeof CatalogServiceService>;

export interface TestCatalog {
  readonly client: CatalogClient;
  /** `host:port` of the server. */
  readonly address: string;
  /** Database of the service with a separate connection pool. */
  readonly db: Database;
  /** Creates clients, each with its own connection, and distributes them over the two replicas. */
  clients(count: number): CatalogClient[];
  /** Counts the rows of the tables. */
  rows(): Promise<{ products: bigint; keys: bigint }>;
  close(): Promise<void>;
}

const countRows = sql(
  'test.catalog_rows',
  `select (select count(*) from products) as products, (select count(*) from idempotency_keys) as keys`,
);

/** Starts two replicas of the catalog service as in production, on one new database. */
export async function startCatalogForTest(): Promise<TestCatalog> {
  const scope = new Scope();
  const { url, db, drop } = await createTestDatabase(catalogMigrations);
  scope.defer(drop);
  const config = catalogService.configure({ ...testSettings, DATABASE_URL: url });
  const { address } = await catalogService.start(config, scope);
  const replica = await catalogService.start(config, scope);
  const connect = (target: string): CatalogClient => scope.use(loneClient(CatalogServiceService, target));
  return {
    client: connect(address),
    address,
    db,
    clients: (count) =>
      Array.from({ length: count }, (_, index) => connect(index % 2 === 0 ? address : replica.address)),
    rows: async () => {
      const [row] = await db.query<{ products: bigint; keys: bigint }>(countRows());
      return row ?? { products: 0n, keys: 0n };
    },
    close: () => scope.close(),
  };
}
