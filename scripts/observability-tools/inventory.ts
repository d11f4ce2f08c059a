import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Found, ToolName } from './tool.js';

/** Where tools are installed. */
export const toolsFolder = path.resolve('.tools');

const file = path.join(toolsFolder, 'inventory.json');

/** What `make observability-tools` found last. */
export type Inventory = Partial<Readonly<Record<ToolName, Found>>>;

export function readInventory(): Inventory {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Inventory;
  } catch {
    return {};
  }
}

export function writeInventory(inventory: Inventory): void {
  mkdirSync(toolsFolder, { recursive: true });
  writeFileSync(file, `${JSON.stringify(inventory, undefined, 2)}\n`);
}
