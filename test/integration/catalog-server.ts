import { startCatalog } from '../../cmd/catalog-service/app.js';
import { loadCatalogConfig } from '../../pkg/catalog/config.js';
import { catalogMigrations } from '../../pkg/catalog/migrations.js';
import { CatalogServiceService } from '../../pkg/pb/catalog/v1/catalog.js';
import { sql, type Database } from '../../pkg/postgres/index.js';
import { createTestDatabase } from '../../pkg/postgres/testing/test-database.js';
import type { RpcClient } from '../../pkg/rpc/index.js';
import { loneClient } from '../../pkg/rpc/testing/lone-client.js';
import { Scope } from '../../pkg/runtime/index.js';
import { quiet } from './quiet.js';

export type CatalogClient = RpcClient<typeof CatalogServiceService>;

export interface TestCatalog {
  readonly client: CatalogClient;
  /** `host:port` of the server. */
  readonly address: string;
  /** The service's database, on connections of its own. */
  readonly db: Database;
  /** More clients, each on a connection of its own, spread over two replicas. */
  clients(count: number): CatalogClient[];
  /** Rows in its tables: to see that nothing was stored. */
  rows(): Promise<{ products: bigint; keys: bigint }>;
  close(): Promise<void>;
}

const countRows = sql(
  'test.catalog_rows',
  `select (select count(*) from products) as products, (select count(*) from idempotency_keys) as keys`,
);

/** Two replicas of the catalog service as in production, over one database of their own. */
export async function startCatalogForTest(): Promise<TestCatalog> {
  const scope = new Scope();
  const { url, db, drop } = await createTestDatabase(catalogMigrations);
  scope.defer(drop);
  const config = loadCatalogConfig({ ...quiet, DATABASE_URL: url });
  const { address } = await startCatalog(config, scope);
  const replica = await startCatalog(config, scope);
  const connect = (target: string): CatalogClient => scope.use(loneClient(CatalogServiceService, target));
  return {
    client: connect(address),
    address,
    db,
    clients: (count) =>
      Array.from({ length: count }, (_, index) => connect(index % 2 === 0 ? address : replica.address)),
    rows: async () => {
      const [row] = await db.query<{ products: bigint; keys: bigint }>(countRows);
      return row ?? { products: 0n, keys: 0n };
    },
    close: () => scope.close(),
  };
}
