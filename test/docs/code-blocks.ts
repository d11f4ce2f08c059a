/** Returns the content of the fenced Markdown blocks of a language. */
export function codeBlocks(markdown: string, language: string): string[] {
  const fences = new RegExp(`^ *\`\`\`${language}\\n([^]*?)^ *\`\`\`$`, 'gm');
  return [...markdown.matchAll(fences)].map(([, code = '']) => code);
}
