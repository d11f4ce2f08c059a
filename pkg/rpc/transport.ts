import { credentials, ServerCredentials, type ChannelCredentials } from '@grpc/grpc-js';
import { Gauge } from 'prom-client';
import { ConfigError } from '../config/index.js';
import type { Telemetry } from '../observability/telemetry.js';
import type { TlsFiles } from './tls-config.js';
import { MaterialProvider, MutualTlsServerCredentials } from './tls-credentials.js';
import { readMaterial, verifyMaterial, type TlsExpiry, type TlsMaterial } from './tls-material.js';
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
  const showExpiry = telemetry ? expiryGauge(telemetry) : (): void => undefined;
  if (!tls) return plainTransport;
  const { material, expiry } = await firstMaterial(tls);
  showExpiry(expiry);
  telemetry?.logger.info({ valid_until: new Date(expiry.own) }, 'mutual TLS is on');
  const server = new MutualTlsServerCredentials(material);
  const channels = new MaterialProvider(material);
  const channelCredentials = channels.credentials();
  const watch = watchMaterial(material, {
    files: tls,
    onChange: (changed, until) => {
      server.update(changed);
      channels.update(changed);
      showExpiry(until);
      telemetry?.logger.info({ valid_until: new Date(until.own) }, 'TLS files reloaded');
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

async function firstMaterial(files: TlsFiles): Promise<{ material: TlsMaterial; expiry: TlsExpiry }> {
  try {
    const material = await readMaterial(files);
    return { material, expiry: verifyMaterial(material, Date.now()) };
  } catch (error) {
    throw new ConfigError([(error as Error).message]);
  }
}

function expiryGauge({ metrics }: Pick<Telemetry, 'metrics'>): (expiry: TlsExpiry) => void {
  const gauge = new Gauge({
    name: 'tls_certificate_expiry_timestamp_seconds',
    help: 'When the certificate in use ends, and the CA certificate that ends first; 0 without TLS.',
    labelNames: ['certificate'],
    registers: [metrics.registry],
  });
  const show = ({ own, ca }: TlsExpiry): void => {
    gauge.set({ certificate: 'own' }, own / 1000);
    gauge.set({ certificate: 'ca' }, ca / 1000);
  };
  show({ own: 0, ca: 0 });
  return show;
}
