import { expect } from 'chai';
import { ConfigError, describeSettings, readSettings } from './read.js';
import { duration, integer, secretUrl, text } from './setting.js';

const settings = {
  NAME: text({ help: 'The name' }),
  COUNT: integer({ default: '3', min: 1, max: 9, help: 'Number of items' }),
  WAIT: duration({ default: '5s', min: '1s', max: '1m', help: 'Waiting time' }),
};

describe('readSettings', () => {
  it('returns typed values from the environment or the defaults', () => {
    expect(readSettings({ NAME: 'x', WAIT: '10s', OTHER: 'ignored' }, settings)).to.deep.equal({
      NAME: 'x',
      COUNT: 3,
      WAIT: 10_000,
    });
  });

  it('treats an empty variable as unset', () => {
    expect(readSettings({ NAME: 'x', COUNT: '' }, settings)).to.include({ COUNT: 3 });
    expect(() => readSettings({ NAME: '' }, settings)).to.throw('NAME is required: The name');
  });

  it('reports all problems in one error', () => {
    expect(() => readSettings({ COUNT: '10', WAIT: 'soon' }, settings))
      .to.throw(ConfigError)
      .with.deep.property('problems', [
        'NAME is required: The name',
        'COUNT must be a whole number from 1 to 9',
        'WAIT must be a duration from 1s to 1m, such as 250ms, 5s, 15m or 24h',
      ]);
  });
});

describe('describeSettings', () => {
  it('shows values and marks defaults', () => {
    expect(describeSettings({ NAME: 'x', COUNT: '' }, settings)).to.deep.equal([
      'NAME=x',
      'COUNT=3 (default)',
      'WAIT=5s (default)',
    ]);
  });

  it('redacts secrets', () => {
    const secrets = {
      URL: secretUrl({ help: 'A URL', protocols: ['postgres:'] }),
      OPEN_URL: secretUrl({ help: 'A URL without a password', protocols: ['postgres:'] }),
      ODD: secretUrl({ help: 'Not a URL', protocols: ['postgres:'] }),
    };
    const shown = describeSettings(
      {
        URL: 'postgres://user:s3cret@host:5432/db?password=s3cret',
        OPEN_URL: 'postgres://user@host/db',
        ODD: 'user:s3cret@host',
      },
      secrets,
    );
    expect(shown.join()).not.to.contain('s3cret');
    expect(shown.slice(0, 2)).to.deep.equal([
      'URL=postgres://user:redacted@host:5432/db',
      'OPEN_URL=postgres://user@host/db',
    ]);
  });
});
