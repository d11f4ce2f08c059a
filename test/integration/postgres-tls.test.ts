import { chmod, chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { startCluster, type EmbeddedCluster } from '../../pkg/postgres/embedded/index.js';
import { until } from '../../pkg/postgres/embedded/postmaster.js';
import { publicTemp } from '../../pkg/postgres/embedded/temp.js';
import { migrate, openDatabase, sql, type Database } from '../../pkg/postgres/index.js';
import { exampleMigrations } from '../../pkg/postgres/testing/example.js';
import { expectReason, failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { testDatabaseConfig } from '../../pkg/postgres/testing/test-database.js';
import { TestAuthority } from './tls-certificates.js';

const silent = { warn: () => undefined };
const encrypted = sql('test.encrypted', 'select ssl from pg_stat_ssl where pid = pg_backend_pid()');

describe('a database whose certificate has to be right', () => {
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
    // The server reads a key of its own user only.
    const { uid, gid } = await stat(dataDir);
    await chown(path.join(home, 'server.key'), uid, gid);
    await speakTls();
  });

  after(async () => {
    await cluster?.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 20 });
  });

  async function speakTls(): Promise<void> {
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
    const isOn = () => connects(urlOf({ ca: 'ca.crt' }));
    expect(await until(isOn, 20_000), 'the server speaks TLS').to.equal(true);
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

  /** As docs/installation.md writes it. */
  function urlOf({ ca, host = 'localhost' }: { ca?: string; host?: string }): string {
    const url = new URL(cluster.url('postgres'));
    url.hostname = host;
    url.searchParams.set('sslmode', 'verify-full');
    if (ca !== undefined) url.searchParams.set('sslrootcert', path.join(home, ca));
    return url.href;
  }

  const open = (url: string): Promise<Database> => openDatabase(testDatabaseConfig(url), silent);

  it('is used with the CA that signed it, by services and by migrations', async () => {
    const url = urlOf({ ca: 'ca.crt' });
    expect(await migrate(url, exampleMigrations)).not.to.have.length(0);
    const database = await open(url);
    try {
      expect(await database.query(encrypted)).to.deep.equal([{ ssl: true }]);
    } finally {
      await database.close();
    }
  });

  const wrong = [
    { what: 'another CA', ca: 'other.crt', says: /certificate/ },
    { what: 'the CAs of everybody', says: /certificate/ },
    { what: 'another name', ca: 'ca.crt', host: '127.0.0.1', says: /does not match/ },
    { what: 'a CA that is not there', ca: 'missing.crt', says: /missing\.crt/ },
  ];

  for (const { what, says, ...where } of wrong)
    it(`is refused with ${what}, by services and by migrations`, async () => {
      const url = urlOf(where);
      const refusal = await expectReason(open(url), 'DEPENDENCY_UNAVAILABLE');
      expect(refusal.message).to.match(says);
      expect((await failureOf(migrate(url, exampleMigrations))).message).to.match(says);
    });
});
