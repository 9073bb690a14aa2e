import type { TrackerVendor } from './tracker-names.ts'

const ocd = 'Open Cookie Database'

/**
 * What scripts for e-mail marketing, campaigns, surveys, on-site messages and smaller statistics keep in the visited
 * site's own storage.
 */
export const marketingVendors: readonly TrackerVendor[] = [
  { vendor: 'ActiveCampaign', source: ocd, names: ['ac_enable_tracking'] },
  { vendor: 'Abovo Media', source: ocd, names: ['tv_spot_tracker'] },
  { vendor: 'AdCalls', source: ocd, names: ['acalltracker', 'acalltrackerreferrer', 'acalltrackernumber'] },
  { vendor: 'Adalyser', source: 'adalyser.com/en/cookies, by the Open Cookie Database', names: ['__adal_*'] },
  {
    vendor: 'Ahoy',
    source: 'github.com/ankane/ahoy, "Cookies"',
    names: ['ahoy_visit', 'ahoy_visitor', 'ahoy_events', 'ahoy_track'],
  },
  { vendor: 'Algolia', source: 'algolia.com/doc, "Search insights: user token"', names: ['_ALGOLIA'] },
  { vendor: 'Amazon Associates', source: ocd, names: ['__trf.src'] },
  { vendor: 'BlueConic', source: ocd, names: ['BCRevision', 'BCTracking', 'bc_tstgrp'] },
  { vendor: 'CampTix', source: 'wordpress.org/about/privacy/cookies', names: ['camptix_client_stats'] },
  { vendor: 'CookieConsent.io', source: ocd, names: ['ccec_user'] },
  {
    vendor: 'Customer.io',
    source: ocd,
    names: ['_cio', '_cioid', '_cioanonid', 'cioFT', 'cioLT'],
  },
  {
    vendor: 'Epsilon',
    source: 'legal.epsilon.com, by the Open Cookie Database',
    names: ['dtm_token', 'dtm_token_exp', 'dtm_token_sc', 'dtm_user_id', 'dtm_user_id_sc'],
  },
  {
    vendor: 'Ezoic',
    source: 'ezoic.com/privacy-policy, by the Open Cookie Database',
    names: [
      'ezoadgid_#',
      'ezopvc_#',
      'ezoref_#',
      'ezosuigeneris*',
      'ezosuibasgeneris-1',
      'ezouid_#',
      'ezovid_#',
      'ezovuuid_#',
      'ezovuuidtime_#',
      'ezux_*',
    ],
  },
  { vendor: 'Kentico Xperience', source: ocd, names: ['CMSLandingPageLoaded', 'CMSUserPage'] },
  { vendor: 'Leadfeeder', source: ocd, names: ['_lfa', '_lfa_test_cookie_stored'] },
  { vendor: 'Leadinfo', source: ocd, names: ['_li_id.*', '_li_ses.*'] },
  { vendor: 'Mailchimp', source: ocd, names: ['mc_cid', 'mc_eid', 'mc_landing_site'] },
  { vendor: 'MailMunch', source: ocd, names: ['mailmunch_second_pageview', '_mailmunch_visitor_id'] },
  { vendor: 'Mopinion', source: ocd, names: ['Pastease.passive.*'] },
  { vendor: 'OptinMonster', source: ocd, names: ['_omappvs', '_omappvp'] },
  { vendor: 'Picreel', source: ocd, names: ['picreel_*'] },
  {
    vendor: 'Piwik PRO',
    source: 'help.piwik.pro, "Cookies created for visitors"',
    names: [
      'stg_traffic_source_priority',
      'stg_last_interaction',
      'stg_returning_visitor',
      'stg_externalReferrer',
      'stg_utm_campaign',
      'stg_fired__*',
    ],
  },
  { vendor: 'Revive and OpenX ad servers', source: ocd, names: ['OAID'] },
  { vendor: 'SharpSpring', source: ocd, names: ['__ss', '__ss_tk', '__ss_referrer'] },
  { vendor: 'Siteimprove', source: ocd, names: ['nmstat'] },
  { vendor: 'Sleeknote', source: ocd, names: ['_sn_a', '_sn_m'] },
  { vendor: 'Smart AdServer', source: ocd, names: ['TestIfCookie', 'TestIfCookieP'] },
  { vendor: 'SnapEngage', source: ocd, names: ['SnapABugHistory', 'SnapABugRef'] },
  { vendor: 'Sovrn', source: ocd, names: ['ljt_reader', 'ljtrtb', '_ljtrtb_*'] },
  { vendor: 'Squeezely', source: ocd, names: ['sqzl_abs', 'sqzl_session_id', 'sqzl_vw', 'sqzllocal'] },
  { vendor: 'Tapad', source: ocd, names: ['TapAd_*'] },
  { vendor: 'Unruly', source: ocd, names: ['unruly_m*'] },
  { vendor: 'Usabilla', source: ocd, names: ['usbls'] },
  { vendor: 'WePublish', source: ocd, names: ['_wepublishGa', '_wepublishGa_gid'] },
  { vendor: 'Zendesk chat', source: ocd, names: ['__zlcmid'] },
  { vendor: 'Zoho Campaigns', source: ocd, names: ['zc_show', 'zc_loc'] },
]
