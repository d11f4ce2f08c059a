import { InventoryFile, type Inventory as InventoryOf } from '../tools/inventory.js';
import type { Found, ToolName } from './tool.js';

/** What `make observability-tools` found last. */
export const inventoryFile = new InventoryFile<ToolName, Found>('inventory.json');

export type Inventory = InventoryOf<ToolName, Found>;
