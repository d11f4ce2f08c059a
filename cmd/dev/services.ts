import { fileURLToPath } from 'node:url';
import type { MigrationSet } from '../../pkg/postgres/index.js';
import type { Addresses, ServiceName } from './protocol.js';

/** One service as `dev` runs it: by convention everything follows from its domain. */
export interface ServiceSpec {
  readonly name: ServiceName;
  /** Its package under `pkg`, and its name among the addresses. */
  readonly domain: keyof Addresses;
  readonly database: string;
  /** What its port is set by: `<prefix>_GRPC_PORT` and so on. */
  readonly prefix: 'ORDER' | 'INVENTORY' | 'PAYMENT' | 'CATALOG';
}

export const services: readonly ServiceSpec[] = [
  { name: 'order-service', domain: 'order', database: 'orders', prefix: 'ORDER' },
  { name: 'inventory-service', domain: 'inventory', database: 'inventory', prefix: 'INVENTORY' },
  { name: 'payment-service', domain: 'payment', database: 'payment', prefix: 'PAYMENT' },
  { name: 'catalog-service', domain: 'catalog', database: 'catalog', prefix: 'CATALOG' },
];

// The same when run from the sources and from dist.
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** What Node is started with to run a service, as in production. */
export function nodeArguments({ name }: ServiceSpec): string[] {
  const register = new URL(`../../pkg/observability/register.${extension}`, import.meta.url);
  const main = new URL(`../${name}/main.${extension}`, import.meta.url);
  return ['--enable-source-maps', '--import', register.href, fileURLToPath(main)];
}

export function migrationsOf({ domain }: ServiceSpec): MigrationSet {
  return { directory: fileURLToPath(new URL(`../../pkg/${domain}/migrations`, import.meta.url)) };
}
