/**
 * Why this Node cannot run the project, or undefined. The same range as `engines` in package.json, checked before
 * anything is installed: npm only warns, and what fails later fails with a riddle.
 *
 * @param {string} version as in process.versions.node
 * @returns {string | undefined}
 */
export function engineProblem(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const good = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22
  if (good) return undefined
  return (
    `sessionbridge needs Node 20.19 or newer (of Node 22: 22.12 or newer); this is Node ${version}. ` +
    'Install a current one from https://nodejs.org and start again.'
  )
}
