import { credentials, ServerCredentials, type ChannelCredentials } from '@grpc/grpc-js';
import { Gauge } from 'prom-client';
import { ConfigError } from '../../config/index.js';
import type { Telemetry } from '../../observability/index.js';
import type { TlsFiles } from './config.js';
import { MaterialProvider, MutualTlsServerCredentials } from './credentials.js';
import {
  readMaterial,
  verifyMaterial,
  watchMaterial,
  type TlsMaterial,
  type TlsValidity,
} from './material.js';

/** Credentials of a process, with mutual TLS or without TLS. */
export interface Transport {
  readonly isMutualTls: boolean;
  serverCredentials(): ServerCredentials;
  channelCredentials(): ChannelCredentials;
  /** Stops polling the TLS files. */
  close(): Promise<void>;
}

export const plainTransport: Transport = {
  isMutualTls: false,
  serverCredentials: () => ServerCredentials.createInsecure(),
  channelCredentials: () => credentials.createInsecure(),
  close: () => Promise.resolve(),
};

export interface TransportOptions {
  /** Undefined means connections without TLS. */
  readonly tls: TlsFiles | undefined;
  /** Log for reloads and unusable files, and registry for the certificate gauges. */
  readonly telemetry?: Pick<Telemetry, 'logger' | 'metrics'>;
  /** Interval of the file polls. */
  readonly reloadMs?: number;
}

/**
 * Opens the transport of a process. With mutual TLS, new handshakes use the latest valid files, and existing connections
 * stay open.
 * @throws ConfigError when the files are unusable
 */
export async function openTransport(options: TransportOptions): Promise<Transport> {
  const { tls, telemetry, reloadMs } = options;
  const showValidity = telemetry ? validityGauges(telemetry) : (): void => undefined;
  if (!tls) return plainTransport;
  const { material, validity } = await firstMaterial(tls);
  showValidity(validity);
  telemetry?.logger.info({ valid_until: new Date(validity.own.until) }, 'mutual TLS enabled');
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
    help: 'Start of the validity of the certificate in use and of the CA certificate that expires first; 0 without TLS.',
    ...shared,
  });
  const expiry = new Gauge({
    name: 'tls_certificate_expiry_timestamp_seconds',
    help: 'Expiry of the certificate in use and of the CA certificate that expires first; 0 without TLS.',
    ...shared,
  });
  const show = (validity: TlsValidity): void => {
    for (const certificate of ['own', 'ca'] as const) {
      notBefore.set({ certificate }, validity[certificate].from / 1000);
      expiry.set({ certificate }, validity[certificate].until / 1000);
    }
  };
  const withoutTls = { from: 0, until: 0 };
  show({ own: withoutTls, ca: withoutTls });
  return show;
}
