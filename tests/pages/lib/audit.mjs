// What every page must be, whatever is on it. Each function returns what is wrong, in words.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Title, heading, language, names: what does not depend on the size of the screen. */
export async function structure(page, heading) {
  const found = await page.evaluate(() => ({
    title: document.title.trim(),
    lang: document.documentElement.lang,
    h1: [...document.querySelectorAll('h1')].map(h1 => h1.textContent.trim()),
    injected: document.querySelectorAll('img, svg, iframe, object, embed, [onload], [onerror], [onclick]').length,
    ran: window.hostile !== undefined,
    styled: getComputedStyle(document.body).paddingTop === '16px',
  }))
  return [
    !found.title && 'no title',
    found.lang !== 'en' && `lang is ${found.lang || 'missing'}`,
    found.h1.length !== 1 && `${found.h1.length} h1`,
    !found.h1[0]?.startsWith(heading) && `the heading is ${found.h1[0]}, not ${heading}…`,
    found.injected && `${found.injected} elements that are in no template`,
    found.ran && 'a script that is in no template was run',
    !found.styled && 'the stylesheet does not apply',
  ].filter(Boolean)
}

/** What does depend on it: run for each size and colour scheme. */
export async function appearance(page, { scheme, width }) {
  await page.emulateMedia({ colorScheme: scheme })
  await page.setViewportSize({ width, height: 800 })
  const found = await page.evaluate(scheme => {
    const luminance = color => {
      const [r, g, b] = color.match(/[\d.]+/g).map(Number).slice(0, 3).map(c => c / 255)
        .map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const contrast = (one, other) => {
      const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b)
      return (light + 0.05) / (dark + 0.05)
    }
    const transparent = color => /, 0\)$/.test(color)
    const behind = element => {
      const color = element ? getComputedStyle(element).backgroundColor : 'rgb(255, 255, 255)'
      return transparent(color) ? behind(element.parentElement) : color
    }
    const text = element => (element.textContent || element.labels?.[0]?.textContent || element.tagName).trim().slice(0, 40)
    const wide = [...document.body.querySelectorAll('*')]
      .filter(element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
    const faint = [...document.querySelectorAll('button, input:not([type=hidden])')].filter(control => {
      const { borderTopColor, backgroundColor } = getComputedStyle(control)
      const ground = behind(control.parentElement)
      return contrast(borderTopColor, ground) < 3 && (transparent(backgroundColor) || contrast(backgroundColor, ground) < 3)
    })
    return {
      scrolls: document.documentElement.scrollWidth > innerWidth,
      wide: wide.map(text),
      faint: faint.map(text),
      schemeKept: (luminance(behind(document.body)) < 0.2) === (scheme === 'dark'),
    }
  }, scheme)
  return [
    found.scrolls && 'it scrolls sideways',
    found.wide.length && `too wide: ${found.wide.join('; ')}`,
    found.faint.length && `controls without a visible edge (3:1): ${found.faint.join('; ')}`,
    !found.schemeKept && `it is not ${scheme}`,
    ...await axe(page),
  ].filter(Boolean)
}

async function axe(page) {
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(AXE)
  const found = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
    const { violations, incomplete } = await window.axe.run(document, { runOnly: tags, resultTypes: ['violations', 'incomplete'] })
    const told = rule => `axe: ${rule.id}: ${rule.help}: ${rule.nodes.map(node => node.html.slice(0, 120)).join(' ')}`
    return [...violations, ...incomplete.filter(rule => rule.id === 'color-contrast')].map(told)
  })
  return found
}

/** Tab goes through all controls in the order of the page, and each shows that it has the focus. */
export async function focus(page) {
  const count = await page.evaluate(() => {
    window.controls = [...document.querySelectorAll('a[href], button, input:not([type=hidden])')]
    return window.controls.length
  })
  const wrong = []
  const order = []
  for (let press = 0; order.length < count && press <= count; press++) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => {
      const { outlineStyle, outlineWidth, outlineOffset } = getComputedStyle(document.activeElement)
      const reach = parseFloat(outlineWidth) + parseFloat(outlineOffset)
      const box = document.activeElement.getBoundingClientRect()
      return {
        index: window.controls.indexOf(document.activeElement),
        ring: outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2,
        inView: box.top - reach >= 0 && box.bottom + reach <= innerHeight,
        text: document.activeElement.textContent.trim().slice(0, 40),
      }
    })
    if (at.index < 0) continue // the document itself, between the last control and the first
    order.push(at.index)
    if (!at.ring) wrong.push(`no focus ring: ${at.text}`)
    if (!at.inView) wrong.push(`focus ring out of view: ${at.text}`)
  }
  const expected = order.map((_, step) => ((order[0] ?? 0) + step) % count)
  if (order.length !== count) wrong.push(`Tab reaches ${order.length} of ${count} controls`)
  if (order.join() !== expected.join()) wrong.push(`Tab goes ${order.join()}`)
  return wrong
}
