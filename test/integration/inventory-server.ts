import { startInventory } from '../../cmd/inventory-service/app.js';
import { inventoryMigrations, loadInventoryConfig } from '../../pkg/inventory/index.js';
import { InventoryServiceService } from '../../pkg/pb/inventory/v1/inventory.js';
import type { Database } from '../../pkg/postgres/index.js';
import { createTestDatabase } from '../../pkg/postgres/testing/test-database.js';
import { createClient, type RpcClient } from '../../pkg/rpc/index.js';
import { Scope } from '../../pkg/runtime/index.js';

export type InventoryClient = RpcClient<typeof InventoryServiceService>;

export interface TestInventory {
  readonly client: InventoryClient;
  /** The service's database, on connections of its own. */
  readonly db: Database;
  /** `host:port` of the server. */
  readonly address: string;
  /** More clients, each on a TCP connection of its own. */
  clients(count: number): InventoryClient[];
  /** One more replica over the same database. */
  addReplica(env?: Readonly<Record<string, string>>): Promise<InventoryClient>;
  close(): Promise<void>;
}

/** Settings with which nothing happens unless a test makes it happen. */
const quiet = {
  GRPC_PORT: '0',
  METRICS_PORT: '0',
  LOG_LEVEL: 'silent',
  SHUTDOWN_TIMEOUT: '1s',
  DATABASE_CONNECT_TIMEOUT: '30s',
  DATABASE_STATEMENT_TIMEOUT: '30s',
  RESERVATION_SWEEP_INTERVAL: '24h',
};

/** The inventory service as in production, on a free port, over a database of its own. */
export async function startInventoryForTest(
  env: Readonly<Record<string, string>> = {},
): Promise<TestInventory> {
  const scope = new Scope();
  const { url, db, drop } = await createTestDatabase(inventoryMigrations);
  scope.defer(drop);
  const startReplica = async (own: Readonly<Record<string, string>> = {}): Promise<string> => {
    const config = loadInventoryConfig({ ...quiet, DATABASE_URL: url, ...env, ...own });
    return (await startInventory(config, scope)).address;
  };
  const connect = (target: string): InventoryClient => scope.use(connectInventory(target));
  const address = await startReplica();
  return {
    client: connect(address),
    db,
    address,
    clients: (count) => Array.from({ length: count }, () => connect(address)),
    addReplica: async (own) => connect(await startReplica(own)),
    close: () => scope.close(),
  };
}

/** A client that neither repeats calls nor shares its connection. */
function connectInventory(target: string): InventoryClient {
  return createClient(InventoryServiceService, {
    name: 'inventory-service',
    target,
    timeoutMs: 60_000,
    retry: false,
    channelOptions: { 'grpc.use_local_subchannel_pool': 1 },
  });
}
