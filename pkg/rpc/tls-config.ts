import { ConfigError, text, type Setting, type Settings, type Values } from '../config/index.js';
import { parseAllowedClients, type AllowedClients } from './tls-allowed-clients.js';

/** Where the certificate of a process lies; all three are PEM. */
export interface TlsFiles {
  /** With the intermediate certificates, if any. */
  readonly cert: string;
  readonly key: string;
  /** Every CA whose certificates are accepted, of servers and of clients. */
  readonly ca: string;
}

/** The settings of mutual TLS that every process has; unset, all three: plain connections. */
export const tlsFileSettings = {
  TLS_CERT_FILE: text({
    default: '',
    help: 'Certificate of this process, PEM; set it, TLS_KEY_FILE and TLS_CA_FILE for mutual TLS',
  }),
  TLS_KEY_FILE: text({ default: '', help: 'Private key of TLS_CERT_FILE, PEM' }),
  TLS_CA_FILE: text({ default: '', help: 'CA certificates that peers must be signed by, PEM' }),
} satisfies Settings;

const allowedClients: Setting<AllowedClients> = {
  ...text({
    default: '',
    help: 'Who may call what with mutual TLS, `client=method,method;client=method`, see security.md',
  }),
  parse: parseAllowedClients,
};

/** The settings of mutual TLS that servers have. */
export const tlsServerSettings = {
  ...tlsFileSettings,
  TLS_ALLOWED_CLIENTS: allowedClients,
} satisfies Settings;

/**
 * The files of mutual TLS, undefined when it is off.
 * @throws ConfigError that names what is missing when some are given
 */
export function tlsFiles(values: Values<typeof tlsFileSettings>): TlsFiles | undefined {
  const names = ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CA_FILE'] as const;
  const missing = names.filter((name) => values[name] === '');
  if (missing.length === names.length) return undefined;
  if (missing.length > 0)
    throw new ConfigError(missing.map((name) => `${name} is required when another TLS file is given`));
  return { cert: values.TLS_CERT_FILE, key: values.TLS_KEY_FILE, ca: values.TLS_CA_FILE };
}

/** @throws ConfigError when the two halves, who one is and who may call, are not given together */
export function tlsServerConfig(values: Values<typeof tlsServerSettings>): {
  readonly tls: TlsFiles | undefined;
  readonly allowedClients: AllowedClients;
} {
  const tls = tlsFiles(values);
  const allowed = values.TLS_ALLOWED_CLIENTS;
  if (tls && allowed.size === 0)
    throw new ConfigError(['TLS_ALLOWED_CLIENTS is required with mutual TLS: nobody could call']);
  if (!tls && allowed.size > 0)
    throw new ConfigError([
      'TLS_ALLOWED_CLIENTS is given, but TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE are not',
    ]);
  return { tls, allowedClients: allowed };
}
