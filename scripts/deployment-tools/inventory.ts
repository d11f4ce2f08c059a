import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { toolsFolder } from '../observability-tools/inventory.js';
import type { Found, ToolName } from './tool.js';

const file = path.join(toolsFolder, 'deployments.json');

/** What `make deployment-tools` found last. */
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
