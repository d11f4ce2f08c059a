import { fileURLToPath } from 'node:url';
import type { MigrationSet } from '../postgres/index.js';

export const paymentMigrations: MigrationSet = {
  directory: fileURLToPath(new URL('migrations', import.meta.url)),
};
