import { credentials, ServerCredentials, type ChannelCredentials } from '@grpc/grpc-js';
import { Gauge } from 'prom-client';
import { ConfigError } from '../config/index.js';
import type { Telemetry } from '../observability/telemetry.js';
import type { TlsFiles } from './tls-config.js';
import { MaterialProvider, MutualTlsServerCredentials } from './tls-credentials.js';
import { readMaterial, verifyMaterial, type TlsMaterial, type TlsValidity } from './tls-material.js';
import { watchMaterial } from './tls-watch.js';

/** How a process talks to others: plain, or with mutual TLS. */
export interface Transport {
  /** Whether both sides prove who they are. */
  readonly isMutualTls: boolean;
  serverCredentials(): ServerCredentials;
  channelCredentials(): ChannelCredentials;
  /** Stops looking for new certificates. */
  close(): Promise<void>;
}

export const plainTransport: Transport = {
  isMutualTls: false,
  serverCredentials: () => ServerCredentials.createInsecure(),
  channelCredentials: () => credentials.createInsecure(),
  close: () => Promise.resolve(),
};

export interface TransportOptions {
  /** Undefined: plain. */
  readonly tls: TlsFiles | undefined;
  /** Hears of reloads and of files that cannot be used. */
  readonly telemetry?: Pick<Telemetry, 'logger' | 'metrics'>;
  /** Time between two looks at the files, milliseconds. */
  readonly reloadMs?: number;
}

/**
 * Opens the transport of a process. With mutual TLS, new handshakes use what the files hold now; what
 * is connected stays connected.
 * @throws ConfigError when the files cannot be used
 */
export async function openTransport(options: TransportOptions): Promise<Transport> {
  const { tls, telemetry, reloadMs } = options;
  const showValidity = telemetry ? validityGauges(telemetry) : (): void => undefined;
  if (!tls) return plainTransport;
  const { material, validity } = await firstMaterial(tls);
  showValidity(validity);
  telemetry?.logger.info({ valid_until: new Date(validity.own.until) }, 'mutual TLS is on');
  const server = new MutualTlsServerCredentials(material);
  const channels = new MaterialProvider(material);
  const channelCredentials = channels.credentials();
  const watch = watchMaterial(material, {
    files: tls,
    onChange: (changed, renewed) => {
      server.update(changed);
      channels.update(changed);
      showValidity(renewed);
      telemetry?.logger.info({ valid_until: new Date(renewed.own.until) }, 'TLS files reloaded');
    },
    onProblem: (problem) => telemetry?.logger.warn({ problem }, 'changed TLS files are not used'),
    ...(reloadMs === undefined ? {} : { intervalMs: reloadMs }),
  });
  return {
    isMutualTls: true,
    serverCredentials: () => server,
    channelCredentials: () => channelCredentials,
    close: () => watch.close(),
  };
}

async function firstMaterial(files: TlsFiles): Promise<{ material: TlsMaterial; validity: TlsValidity }> {
  try {
    const material = await readMaterial(files);
    return { material, validity: verifyMaterial(material, Date.now()) };
  } catch (error) {
    throw new ConfigError([(error as Error).message]);
  }
}

function validityGauges({ metrics }: Pick<Telemetry, 'metrics'>): (validity: TlsValidity) => void {
  const shared = { labelNames: ['certificate'] as const, registers: [metrics.registry] };
  const notBefore = new Gauge({
    name: 'tls_certificate_not_before_timestamp_seconds',
    help: 'Since when the certificate in use is valid, and the CA certificate that ends first; 0 without TLS.',
    ...shared,
  });
  const expiry = new Gauge({
    name: 'tls_certificate_expiry_timestamp_seconds',
    help: 'When the certificate in use ends, and the CA certificate that ends first; 0 without TLS.',
    ...shared,
  });
  const show = (validity: TlsValidity): void => {
    for (const certificate of ['own', 'ca'] as const) {
      notBefore.set({ certificate }, validity[certificate].from / 1000);
      expiry.set({ certificate }, validity[certificate].until / 1000);
    }
  };
  const never = { from: 0, until: 0 };
  show({ own: never, ca: never });
  return show;
}
