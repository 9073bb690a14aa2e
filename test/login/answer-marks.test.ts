import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { marksOf, tellingMarks } from '../../src/login/answer-marks.ts'

const html = (body: string): ReadonlySet<string> => marksOf('text/html', `<!doctype html>${body}`)
const json = (value: unknown): ReadonlySet<string> => marksOf('application/json', JSON.stringify(value))

describe('marks of a page', () => {
  test.each([
    ['<li id="pt-logout">', ['#pt-logout']],
    ['<body class="home logged-in admin-bar">', ['.logged-in']],
    ['<input name="login" TYPE="Password">', ['name=login', 'type=password']],
    [
      '<a href="/index.php?title=Special:UserLogout&amp;returnto=Home">',
      ['/index.php?title=Special:UserLogout&returnto=Home'],
    ],
    ['<form action="/auth/sign-in?next=/a">', ['/auth/sign-in?next=/a', '/auth/sign-in']],
    // Nothing that speaks of signing in or out.
    ['<a href="/blog/catalogue"><i id="blog-index" class="assign-input">', []],
    // What is made anew each time, what is shown, and what is no tag.
    ['<a href="/logout?t=0123456789abcdef01"><p id="login-94837261">logout', ['/logout']],
    ['<script>document.write("<a id=logout>")</script><!-- <a id=login> --><link href="/login.css">', []],
  ])('%s: %j', (body, marks) => {
    expect([...html(body)]).toEqual(marks)
  })

  test('no text of a page and no value of JSON is in them', () => {
    let nontrivial = 0
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{6,20}$/), fc.nat({ max: 9_999 }), (word, n) => {
        const secret = `canary${word}`
        const page = html(`<a id=logout title="${secret}" data-login="${secret}">${secret}</a>`)
        const facts = json({ user: { name: secret, tries: n }, tags: [secret, true] })
        if (page.size > 0 && facts.size > 3) nontrivial += 1
        expect([...page, ...facts].join('\n')).not.toContain('canary')
      }),
    )
    expect(nontrivial).toBe(100)
  })

  test('a body that is too large or no JSON has none', () => {
    expect(html(`<a id=logout>${'x'.repeat(1024 * 1024)}`).size).toBe(0)
    expect(marksOf('application/json', '{"user":').size).toBe(0)
    expect(marksOf('text/plain', '<a id=logout>').size).toBe(0)
    expect(marksOf(undefined, '<a id=logout>').size).toBe(0)
  })
})

describe('what tells somebody from nobody', () => {
  const somebody = [
    html('<a id=logout href="/logout?n=11111">Alice</a><p id=login-tip>'),
    html('<a id=logout href="/logout?n=22222">Alice</a>'),
  ]
  const nobody = [html('<a id=login href="/login">'), html('<a id=login href="/login"><p id=login-ad>')]

  test('is in each answer to the one and in none to the other', () => {
    expect(tellingMarks(somebody, nobody)).toEqual(['#logout', '/logout'])
    expect(tellingMarks(nobody, somebody)).toEqual(['#login', '/login'])
    expect(tellingMarks(somebody, somebody)).toEqual([])
  })

  test.each([
    [{ user: null }, { user: { name: 'alice', id: 7 } }, ['.user.name string', '.user.id number']],
    [{ loggedIn: false }, { loggedIn: true }, ['.loggedIn true']],
    [{ items: [] }, { items: [{ id: 1 }] }, ['.items[].id number']],
    [{ name: 'guest' }, { name: 'alice' }, []],
  ])('%j for nobody and %j for somebody: %j', (theirs, mine, marks) => {
    expect(tellingMarks([json(mine), json(mine)], [json(theirs), json(theirs)])).toEqual(marks)
  })
})
