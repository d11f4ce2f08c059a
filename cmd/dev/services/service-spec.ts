import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { MigrationSet } from '../../../pkg/postgres/index.js';
import type { Addresses, ServiceName } from '../supervisor/protocol.js';

/** A service. By convention, the names of its files and settings are derived from these fields. */
export interface ServiceSpec {
  readonly name: ServiceName;
  /** Name of the service's package in `pkg`, and key of the service in `Addresses`. */
  readonly domain: keyof Addresses;
  readonly database: string;
  /** Prefix of the settings that contain a port or address of the service, such as `ORDER_GRPC_PORT`. */
  readonly prefix: 'ORDER' | 'INVENTORY' | 'PAYMENT' | 'CATALOG';
}

export const services: readonly ServiceSpec[] = [
  { name: 'order-service', domain: 'order', database: 'orders', prefix: 'ORDER' },
  { name: 'inventory-service', domain: 'inventory', database: 'inventory', prefix: 'INVENTORY' },
  { name: 'payment-service', domain: 'payment', database: 'payment', prefix: 'PAYMENT' },
  { name: 'catalog-service', domain: 'catalog', database: 'catalog', prefix: 'CATALOG' },
];

// This file runs as TypeScript from the sources or as JavaScript from `dist`.
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Returns the Node.js arguments that run a service as in production. */
export function nodeArguments({ name }: ServiceSpec): string[] {
  const register = new URL(`../../../pkg/observability/register.${extension}`, import.meta.url);
  const main = new URL(`../../${name}/main.${extension}`, import.meta.url);
  return ['--enable-source-maps', '--import', register.href, fileURLToPath(main)];
}

/** Returns the Node.js arguments that run the compiled service of the version in `root`. */
export function compiledArguments({ name }: ServiceSpec, root = process.cwd()): string[] {
  const register = pathToFileURL(path.join(root, 'dist/pkg/observability/register.js')).href;
  return ['--enable-source-maps', '--import', register, path.join(root, `dist/cmd/${name}/main.js`)];
}

export function migrationsOf({ domain }: ServiceSpec): MigrationSet {
  return { directory: fileURLToPath(new URL(`../../../pkg/${domain}/migrations`, import.meta.url)) };
}
