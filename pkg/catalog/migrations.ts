import { fileURLToPath } from 'node:url';
import type { MigrationSet } from '../postgres/index.js';

/** The schema of the catalog database. */
export const catalogMigrations: MigrationSet = {
  directory: fileURLToPath(new URL('./migrations', import.meta.url)),
};
