import { chmod, chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { startCluster, type EmbeddedCluster } from '../../../pkg/postgres/embedded/index.js';
import { publicTemp } from '../../../pkg/postgres/embedded/system-user.js';
import { migrate, openDatabase, sql, type Database } from '../../../pkg/postgres/index.js';
import { exampleMigrations } from '../../support/postgres/example.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { testDatabaseConfig } from '../../support/postgres/test-database.js';
import { waitFor } from '../../support/wait-for.js';
import { TestAuthority } from '../tls/certificates.js';

const silent = { warn: () => undefined };
const encrypted = sql('test.encrypted', 'select ssl from pg_stat_ssl where pid = pg_backend_pid()');

describe('database URL with sslmode=verify-full', () => {
  let home: string;
  let cluster: EmbeddedCluster;

  before(async () => {
    home = await mkdtemp(path.join(await publicTemp(), 'database-tls-'));
    await chmod(home, 0o755);
    const dataDir = path.join(home, 'data');
    cluster = await startCluster({ dataDir, durable: false });
    const authority = await TestAuthority.create();
    const other = await TestAuthority.create();
    await writeFile(path.join(home, 'ca.crt'), authority.cert);
    await writeFile(path.join(home, 'other.crt'), other.cert);
    const { cert, key } = await authority.issue();
    await writeFile(path.join(home, 'server.crt'), cert);
    await writeFile(path.join(home, 'server.key'), key, { mode: 0o600 });
    // The server rejects a private key that its system user does not own.
    const { uid, gid } = await stat(dataDir);
    await chown(path.join(home, 'server.key'), uid, gid);
    await enableTls();
  });

  after(async () => {
    await cluster?.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 20 });
  });

  async function enableTls(): Promise<void> {
    const client = new pg.Client({ connectionString: cluster.url('postgres') });
    await client.connect();
    try {
      await client.query(`alter system set ssl_cert_file = '${path.join(home, 'server.crt')}'`);
      await client.query(`alter system set ssl_key_file = '${path.join(home, 'server.key')}'`);
      await client.query('alter system set ssl = on');
      await client.query('select pg_reload_conf()');
    } finally {
      await client.end();
    }
    await waitFor(() => connects(urlOf({ ca: 'ca.crt' })), 'TLS connection', {
      timeoutMs: 20_000,
      intervalMs: 50,
    });
  }

  async function connects(url: string): Promise<boolean> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** Returns a URL with the TLS parameters of docs/installation.md. */
  function urlOf({ ca, host = 'localhost' }: { ca?: string; host?: string }): string {
    const url = new URL(cluster.url('postgres'));
    url.hostname = host;
    url.searchParams.set('sslmode', 'verify-full');
    if (ca !== undefined) url.searchParams.set('sslrootcert', path.join(home, ca));
    return url.href;
  }

  const open = (url: string): Promise<Database> => openDatabase(testDatabaseConfig(url), silent);

  it('connects services and migrations if the CA of the server is trusted', async () => {
    const url = urlOf({ ca: 'ca.crt' });
    expect(await migrate(url, exampleMigrations)).not.to.have.length(0);
    const database = await open(url);
    try {
      expect(await database.query(encrypted())).to.deep.equal([{ ssl: true }]);
    } finally {
      await database.close();
    }
  });

  const failures = [
    { cause: 'another CA is trusted', ca: 'other.crt', message: /certificate/ },
    { cause: 'only the default CAs are trusted', message: /certificate/ },
    {
      cause: 'the certificate is for another host name',
      ca: 'ca.crt',
      host: '127.0.0.1',
      message: /does not match/,
    },
    { cause: 'the CA file is missing', ca: 'missing.crt', message: /missing\.crt/ },
  ];

  for (const { cause, message, ...urlOptions } of failures)
    it(`makes services and migrations fail if ${cause}`, async () => {
      const url = urlOf(urlOptions);
      const error = await expectReason(open(url), 'DEPENDENCY_UNAVAILABLE');
      expect(error.message).to.match(message);
      expect((await failureOf(migrate(url, exampleMigrations))).message).to.match(message);
    });
});
