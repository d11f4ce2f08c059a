import type { Printer } from '../../terminal/printer.js';
import type { Finding } from '../examine/examination.js';
import type { InvariantReport, Report } from './report.js';

export function printReport(printer: Printer, report: Report): void {
  const { order, inventory, payment } = report.addresses;
  const what = report.reconcile ? 'Reconciliation' : 'Audit';
  printer.section(`${what} of order ${order}, inventory ${inventory}, payment ${payment}`);
  if (report.reconcile) printReconciliation(printer, report);
  else for (const invariant of report.invariants) printInvariant(printer, invariant);
  printNotJudged(printer, report);
  printer.conclude(summaryOf(report));
}

function printInvariant(printer: Printer, invariant: InvariantReport): void {
  const { number, title, status, figures, notes, violations } = invariant;
  printer.status(status === 'holds' ? 'passed' : 'failed', `${number}. ${title}`, violations.map(describe));
  printer.result(formatFigures(figures));
  for (const note of notes) printer.status('skipped', note);
}

function printReconciliation(printer: Printer, { invariants }: Report): void {
  for (const { figures, notes, violations } of invariants) {
    for (const { violation, nextStep } of violations)
      printer.status('failed', violation, nextStep === undefined ? [] : [`next step: ${nextStep}`]);
    for (const note of notes) printer.status('skipped', note);
    if (Object.keys(figures).length > 0) printer.result(formatFigures(figures));
  }
}

function printNotJudged(printer: Printer, { unstable, dropped }: Report): void {
  for (const finding of unstable)
    printer.status('skipped', `not judged, changed during the audit: ${describe(finding)}`);
  if (dropped > 0) printer.status('skipped', `${dropped} more candidates were not read again`);
}

/** The violation, with the ids that its text does not name. */
function describe({ violation, ids }: Finding): string {
  const unnamed = Object.entries(ids)
    .map(([name, value]) => [name, [value].flat().filter((id) => !violation.includes(id))] as const)
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => `${name} ${values.join(' ')}`);
  return [violation, ...unnamed].join(' · ');
}

function formatFigures(figures: InvariantReport['figures']): string {
  return Object.entries(figures)
    .map(([name, figure]) => `${name.replaceAll('_', ' ')} ${figure}`)
    .join(' · ');
}

function summaryOf({ invariants, unstable, dropped, durationMs, reconcile }: Report): string {
  const violations = invariants.reduce((count, invariant) => count + invariant.violations.length, 0);
  const held = invariants.filter(({ status }) => status === 'holds').length;
  const seconds = (durationMs / 1000).toFixed(1);
  const result = reconcile
    ? `${violations} differences`
    : `${held} of ${invariants.length} invariants hold, ${violations} violations`;
  return `${result}, ${unstable.length + dropped} not judged, ${seconds} s`;
}
