// What a person does who has a keyboard only.
import assert from 'node:assert/strict'

/** Presses Tab until the control of that name has the focus. */
export async function tabTo(page, name) {
  const passed = []
  for (let presses = 0; presses < 30; presses++) {
    const reached = await focused(page)
    if (name.test(reached)) return
    passed.push(reached)
    await page.keyboard.press('Tab')
  }
  assert.fail(`Tab does not reach ${name}, only ${passed.join(' | ')}`)
}

/** What the focused control is called. */
export const focused = page => page.evaluate(() => {
  const { activeElement: element } = document
  const name = element === document.body ? '' : element.labels?.[0]?.textContent || element.innerText
  return name.replace(/\s+/g, ' ').trim()
})

export async function press(page, key) {
  const left = page.waitForEvent('framenavigated')
  await page.keyboard.press(key)
  await left
  await page.waitForLoadState()
}

export async function heading(page, text) {
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), text)
}

export const back = page => heading(page, 'Back at the application')
