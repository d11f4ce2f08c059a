import { fileURLToPath } from 'node:url';
import type { MigrationSet } from '../postgres/index.js';

/** The schema of the inventory database. */
export const inventoryMigrations: MigrationSet = {
  directory: fileURLToPath(new URL('./migrations', import.meta.url)),
};
