import type { BrowserContext, Page } from 'playwright'
import { within } from '../bridge/context/deadline.ts'
import { findLinks, type FoundLinks } from '../bridge/context/in-page/find-links.ts'
import { callInPage } from '../bridge/context/in-page/source.ts'
import { isOwnPage } from '../bridge/context/own-pages.ts'
import { signOutAddress, type SignOutAddress } from '../state/sign-outs.ts'

/** For one page, ms. */
const answersWithin = 1_000
const mostLinks = 2_000

/** What a link says that signs out, in the languages of most sites; the whole of its text. */
const words = [
  'log ?-?out|log ?-?off|sign ?-?out|sign ?-?off|end session',
  'abmelden|ausloggen|uitloggen|afmelden',
  '(?:se )?d[ée]connecter|(?:me )?d[ée]connecter|d[ée]connexion',
  'cerrar (?:la )?sesi[oó]n|desconectar(?:se)?|salir|tanca (?:la )?sessi[oó]',
  'esci|disconnetti(?:ti)?|sair|(?:terminar|encerrar) sess[aã]o|ie[sș]ire|deconectare',
  'logga ut|logg ut|logg av|log ud|kirjaudu ulos|[uú]tskr[aá]ning|skr[aá] [uú]t',
  'wyloguj(?: si[ęe])?|odhl[áa]sit(?: se)?|odhl[áa]si[tť] sa|kijelentkez[ée]s|odjava|odjavi se',
  'выйти|выход|вийти|вихід|изход|излез|αποσύνδεση|έξοδος',
  '[çc][ıi]k[ıi][sş](?: yap)?|oturumu kapat',
  '登出|退出(?:登录|登入|登錄)?|注销|ログアウト|サインアウト|로그아웃',
  'تسجيل الخروج|خروج|התנתק(?:ות)?|יציאה',
  'đăng xuất|keluar|ออกจากระบบ|लॉग ?आउट|log keluar',
].join('|')

/** The addresses by which the open pages of a context would sign out. A page that does not answer has none. */
export async function findSignOuts(context: BrowserContext): Promise<readonly SignOutAddress[]> {
  const pages = context.pages().filter((page) => !isOwnPage(page) && !page.isClosed())
  const found = await Promise.all(pages.map(linksOf))
  return found.flatMap(({ fitting, others }) =>
    [...new Set(fitting)]
      .map((address) => signOutAddress(address, others))
      .filter((one) => one !== undefined),
  )
}

async function linksOf(page: Page): Promise<FoundLinks> {
  try {
    const asked = page.evaluate<FoundLinks>(callInPage(findLinks, `^(?:${words})$`, mostLinks))
    const { fitting, others } = await within(asked, answersWithin, 'Looking for sign-out links')
    return { fitting: fitting.slice(0, mostLinks), others: [...others, page.url()] }
  } catch {
    return { fitting: [], others: [] }
  }
}
