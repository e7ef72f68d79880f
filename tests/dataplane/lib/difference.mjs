// Where two recordings differ.

/** The paths at which the values differ, each with both; nothing when they are the same. */
export function differences(direct, through, path = '') {
  if (isObject(direct) && isObject(through)) {
    const keys = [...new Set([...Object.keys(direct), ...Object.keys(through)])]
    return keys.flatMap(key => differences(direct[key], through[key], path ? `${path} › ${key}` : key))
  }
  return JSON.stringify(direct) === JSON.stringify(through) ? [] : [`${path}: ${short(direct)} became ${short(through)}`]
}

const isObject = value => typeof value === 'object' && value !== null && !Array.isArray(value)
const short = value => (JSON.stringify(value) ?? 'nothing').slice(0, 300)
