import { expect } from 'chai';
import { Printer } from './printer.js';
import { Progress } from '../test-client/output/progress.js';
import { Recording } from '../test-client/testing/recording.js';

const escape = '\u001B';

function printAll(printer: Printer): void {
  printer.section('1. An order');
  printer.info('Alice orders');
  printer.result('placed: CONFIRMED', ['4.50 USD', '', '8.4 ms']);
  printer.status('passed', 'it is confirmed');
  printer.status('failed', 'it is paid', ['expected 1', 'actual   0']);
}

describe('Printer', () => {
  it('prints plain lines when the output is not a terminal', () => {
    const out = new Recording();
    printAll(new Printer(out));
    expect(out.lines).to.deep.equal([
      `── 1. An order ${'─'.repeat(85)}`,
      '   Alice orders',
      '     → placed: CONFIRMED · 4.50 USD · 8.4 ms',
      '   ✔ it is confirmed',
      '   ✘ it is paid',
      '       expected 1',
      '       actual   0',
    ]);
  });

  it('uses colors on a terminal', () => {
    const out = new Recording(true);
    printAll(new Printer(out));
    expect(out.text).to.include(`${escape}[32m✔`).and.to.include(`${escape}[31m✘`);
  });

  it('prints no colors on a terminal when NO_COLOR is set', () => {
    const out = new Recording(true);
    printAll(new Printer(out, '1'));
    expect(out.text).to.not.include(escape);
  });

  it('prints the last line without colors on a terminal', () => {
    const out = new Recording(true);
    new Printer(out).conclude('3 passed, 0 failed, 0 skipped');
    expect(out.text).to.equal('\n3 passed, 0 failed, 0 skipped\n');
  });

  it('removes a transient line before the next line', () => {
    const out = new Recording(true);
    const printer = new Printer(out, '1');
    printer.transient('working');
    printer.info('done');
    expect(out.text).to.equal(`   working\r${escape}[K   done\n`);
  });
});

describe('Progress', () => {
  it('prints a line for every 10 % when the output is not a terminal', () => {
    const out = new Recording();
    const progress = new Progress(new Printer(out), 200);
    for (let done = 1; done <= 200; done++) progress.update(done);
    progress.end();
    expect(out.lines).to.have.length(10);
    expect(out.lines[4]).to.match(/^ {3}50 % · 100 of 200 · \d+ orders\/s$/);
  });

  it('draws a bar on a terminal and removes the bar at the end', () => {
    const out = new Recording(true);
    const progress = new Progress(new Printer(out, '1'), 4);
    progress.update(2);
    progress.update(4);
    progress.end();
    expect(out.text)
      .to.include('█'.repeat(15) + '░'.repeat(15))
      .and.to.include('100 % · 4 of 4');
    expect(out.text.endsWith(`\r${escape}[K`)).to.equal(true);
  });
});
