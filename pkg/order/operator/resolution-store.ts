import { sql, type Transaction } from '../../postgres/index.js';
import type { Resolution } from '../domain.js';

const store = sql('order.resolve', 'update orders set resolution = $resolution where id = $id');

export async function storeResolution(tx: Transaction, id: string, resolution: Resolution): Promise<void> {
  await tx.query(store({ id, resolution: JSON.stringify(resolution) }));
}
