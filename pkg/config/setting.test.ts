import { expect } from 'chai';
import fc from 'fast-check';
import {
  address,
  duration,
  flag,
  integer,
  oneOf,
  port,
  ratio,
  secretUrl,
  text,
  type Setting,
} from './setting.js';

const help = 'what it is for';

interface Case {
  readonly of: string;
  readonly setting: Setting<unknown>;
  readonly reads: readonly (readonly [string, unknown])[];
  readonly refuses: readonly string[];
}

const cases: readonly Case[] = [
  { of: 'text', setting: text({ help }), reads: [['as it is ', 'as it is ']], refuses: [] },
  {
    of: 'an integer',
    setting: integer({ help, min: -5, max: 10 }),
    reads: [
      ['-5', -5],
      ['0', 0],
      ['10', 10],
      ['007', 7],
    ],
    refuses: ['-6', '11', '1.5', '1e1', ' 1', '0x1', 'one', '--1', 'Infinity'],
  },
  {
    of: 'a port',
    setting: port({ help }),
    reads: [
      ['0', 0],
      ['65535', 65_535],
    ],
    refuses: ['-1', '65536', 'http'],
  },
  {
    of: 'a ratio',
    setting: ratio({ help }),
    reads: [
      ['0', 0],
      ['0.25', 0.25],
      ['1', 1],
    ],
    refuses: ['-0.1', '1.1', 'half', ' ', 'NaN'],
  },
  {
    of: 'a flag',
    setting: flag({ help }),
    reads: [
      ['true', true],
      ['false', false],
    ],
    refuses: ['yes', '1', 'TRUE'],
  },
  {
    of: 'one of some',
    setting: oneOf({ help, values: ['json', 'pretty'] }),
    reads: [['json', 'json']],
    refuses: ['JSON', 'xml', 'toString'],
  },
  {
    of: 'a duration',
    setting: duration({ help, min: '250ms', max: '24h' }),
    reads: [
      ['250ms', 250],
      ['5s', 5000],
      ['15m', 900_000],
      ['24h', 86_400_000],
    ],
    refuses: ['249ms', '25h', '5', '5 s', '1.5s', '-5s', '5d', 'soon'],
  },
  {
    of: 'an address',
    setting: address({ help }),
    reads: [
      ['localhost:50051', 'localhost:50051'],
      ['dns:///order:1', 'dns:///order:1'],
      ['[::1]:5', '[::1]:5'],
    ],
    refuses: ['localhost', ':1', 'a b:1', 'host:port', 'host:123456'],
  },
  {
    of: 'a secret URL',
    setting: secretUrl({ help, protocols: ['postgres:', 'postgresql:'] }),
    reads: [['postgres://u:p@h/db', 'postgres://u:p@h/db']],
    refuses: ['mysql://h/db', 'h/db', 'postgres'],
  },
];

describe('settings', () => {
  for (const { of, setting, reads, refuses } of cases) {
    for (const [given, value] of reads)
      it(`read ${JSON.stringify(given)} as ${of}`, () => {
        expect(setting.parse(given)).to.equal(value);
      });
    for (const given of refuses)
      it(`refuse ${JSON.stringify(given)} as ${of}, and say what it must be`, () => {
        expect(() => setting.parse(given)).to.throw(/^must be /);
      });
  }

  it('read every whole duration in its range, in each unit', () => {
    const setting = duration({ help, min: '0ms', max: '24h' });
    const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
    fc.assert(
      fc.property(fc.nat(24), fc.constantFrom(...Object.entries(units)), (count, [unit, ms]) => {
        expect(setting.parse(`${count}${unit}`)).to.equal(count * ms);
      }),
    );
  });

  it('are secret only where they say so', () => {
    expect(text({ help }).secret).to.equal(false);
    expect(secretUrl({ help, protocols: ['postgres:'] }).secret).to.equal(true);
  });

  it('have no default unless they are given one', () => {
    expect(text({ help }).fallback).to.equal(undefined);
    expect(text({ help, default: '' }).fallback).to.equal('');
  });
});
