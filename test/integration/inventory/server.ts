import { inventoryService } from '../../../cmd/inventory-service/app.js';
import { inventoryMigrations } from '../../../pkg/inventory/index.js';
import { InventoryServiceService } from '../../../pkg/pb/inventory/v1/inventory.js';
import type { Database } from '../../../pkg/postgres/index.js';
import { createTestDatabase } from '../../support/postgres/test-database.js';
import type { RpcClient } from '../../../pkg/rpc/index.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import { Scope } from '../../../pkg/runtime/index.js';
import { testSettings } from '../../support/test-settings.js';

export type InventoryClient = RpcClient<typeof InventoryServiceService>;

export interface TestInventory {
  readonly client: InventoryClient;
  /** Database of the service with a separate connection pool. */
  readonly db: Database;
  /** `host:port` of the server. */
  readonly address: string;
  /** Creates clients, each with its own TCP connection. */
  clients(count: number): InventoryClient[];
  /** Starts another replica on the same database. */
  addReplica(env?: Readonly<Record<string, string>>): Promise<InventoryClient>;
  close(): Promise<void>;
}

/** The sweep interval is so long that no sweep runs during a test. Some tests override the interval. */
const withoutSweep = { ...testSettings, RESERVATION_SWEEP_INTERVAL: '24h' };

/** Starts the inventory service as in production, on a free port and a new database. */
export async function startInventoryForTest(
  env: Readonly<Record<string, string>> = {},
): Promise<TestInventory> {
  const scope = new Scope();
  const { url, db, drop } = await createTestDatabase(inventoryMigrations);
  scope.defer(drop);
  const startReplica = async (replicaEnv: Readonly<Record<string, string>> = {}): Promise<string> => {
    const config = inventoryService.configure({ ...withoutSweep, DATABASE_URL: url, ...env, ...replicaEnv });
    return (await inventoryService.start(config, scope)).address;
  };
  const connect = (target: string): InventoryClient => scope.use(loneClient(InventoryServiceService, target));
  const address = await startReplica();
  return {
    client: connect(address),
    db,
    address,
    clients: (count) => Array.from({ length: count }, () => connect(address)),
    addReplica: async (replicaEnv) => connect(await startReplica(replicaEnv)),
    close: () => scope.close(),
  };
}
