import { fileURLToPath } from 'node:url';
import type { MigrationSet } from '../postgres/index.js';

/** The schema of the order database. */
export const orderMigrations: MigrationSet = {
  directory: fileURLToPath(new URL('./migrations', import.meta.url)),
};
