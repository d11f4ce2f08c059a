import { InventoryFile } from '../tools/inventory.js';
import type { Found, ToolName } from './tool.js';

/** What `make deployment-tools` found last. */
export const inventoryFile = new InventoryFile<ToolName, Found>('deployments.json');
