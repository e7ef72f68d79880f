// What a page of the gateway says to the browser. Each function returns what is wrong, in words.

/** Headers that keep script, frames, caches and other sites out. */
export function headers(response) {
  const all = response.headers()
  const policy = new Map((all['content-security-policy'] ?? '').split(';').map(part => {
    const [name, ...values] = part.trim().split(/\s+/)
    return [name, values.join(' ')]
  }))
  const wanted = {
    'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
  }
  return [
    ...Object.entries(wanted).filter(([name, value]) => all[name] !== value).map(([name]) => `${name}: ${all[name]}`),
    ...['default-src', 'frame-ancestors', 'base-uri'].filter(name => policy.get(name) !== `'none'`)
      .map(name => `CSP: ${name} ${policy.get(name)}`),
    !/^'sha256-[\w+/=]+'$/.test(policy.get('style-src') ?? '') && `CSP: style-src ${policy.get('style-src')}`,
    [...policy.keys()].some(name => name.startsWith('script-src')) && 'CSP: there is script',
    !policy.has('form-action') && 'CSP: forms may lead anywhere',
    !['no-referrer', 'same-origin'].includes(all['referrer-policy']) && `referrer-policy: ${all['referrer-policy']}`,
  ].filter(Boolean)
}

/** A page of another origin gets to see nothing of it in a frame. */
export async function framed(page, from, url) {
  await page.goto(from)
  const inFrame = async src => {
    await page.setContent(`<!doctype html><title>Frame</title><iframe src="${src.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"></iframe>`)
    await page.waitForLoadState('networkidle')
    return page.mainFrame().childFrames()[0].url()
  }
  const [shown, hidden] = [await inFrame(from), await inFrame(url)]
  return [
    shown !== from && `what may be framed is not shown either: ${shown}`,
    !hidden.startsWith('chrome-error:') && `it is shown in a frame: ${hidden}`,
  ].filter(Boolean)
}
