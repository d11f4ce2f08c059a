import { startInventory } from '../../cmd/inventory-service/app.js';
import { inventoryMigrations, loadInventoryConfig } from '../../pkg/inventory/index.js';
import { InventoryServiceService } from '../../pkg/pb/inventory/v1/inventory.js';
import type { Database } from '../../pkg/postgres/index.js';
import { createTestDatabase } from '../../pkg/postgres/testing/test-database.js';
import type { RpcClient } from '../../pkg/rpc/index.js';
import { loneClient } from '../../pkg/rpc/testing/lone-client.js';
import { Scope } from '../../pkg/runtime/index.js';
import { quiet } from './quiet.js';

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

/** Nothing expires unless a test makes it happen. */
const unswept = { ...quiet, RESERVATION_SWEEP_INTERVAL: '24h' };

/** The inventory service as in production, on a free port, over a database of its own. */
export async function startInventoryForTest(
  env: Readonly<Record<string, string>> = {},
): Promise<TestInventory> {
  const scope = new Scope();
  const { url, db, drop } = await createTestDatabase(inventoryMigrations);
  scope.defer(drop);
  const startReplica = async (own: Readonly<Record<string, string>> = {}): Promise<string> => {
    const config = loadInventoryConfig({ ...unswept, DATABASE_URL: url, ...env, ...own });
    return (await startInventory(config, scope)).address;
  };
  const connect = (target: string): InventoryClient => scope.use(loneClient(InventoryServiceService, target));
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
